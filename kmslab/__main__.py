"""`python -m kmslab` is the `kmslab` command, also where no folder of programs is on the path."""

from kmslab.cli.app import main

if __name__ == "__main__":
    main()
