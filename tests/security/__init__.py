"""The threats that StormCom is built against, each as a test: what is tried, refused, left as it was, and noted."""
