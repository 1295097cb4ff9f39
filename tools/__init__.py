"""Tools that make the documentation: generated pages and the site's hooks. Not part of the package."""
