"""Templates, static files and translations of the issuer's pages."""
