"""What leaves the machine: the answers of a day as files that spreadsheets and statistics programs open."""
