"""The SQL of the issuer, one file a table family. Each function takes an open unit of work; none opens one."""
