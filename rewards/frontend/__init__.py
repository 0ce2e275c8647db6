"""What a page of front-end code is worth: does it parse, does it work, how does it look."""
