"""Orders over HTTP for merchants and guests, and the message that confirms one."""
