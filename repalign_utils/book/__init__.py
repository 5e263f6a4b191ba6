"""The book: parameters, runs, records, claims and pages, without any measure."""
