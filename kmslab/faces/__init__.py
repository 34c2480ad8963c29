"""Ways into a KMS. Each turns its own kind of call into `Service.call`, and the answer back."""
