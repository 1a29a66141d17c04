"""The groups of commands of `wsss`, a module each, as light to import as `cli` itself."""
