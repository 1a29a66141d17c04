"""Tables of records: built in or from a file, in every form."""
