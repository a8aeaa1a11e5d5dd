"""What a person does with a store beside a build: check, estimate, retry, try a program file."""
