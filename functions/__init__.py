"""What AWS calls: one package a domain; thin handlers that parse, call one capability and present."""
