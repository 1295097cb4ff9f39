"""HTML pages: blocks of figures and tables, the templates that draw them, and one style sheet."""
