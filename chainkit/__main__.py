"""`python -m chainkit`: the chainkit command."""

from chainkit.cli import main

if __name__ == "__main__":
    main()
