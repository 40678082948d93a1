"""The database: tables, sessions, the only writer of events, and the queries that pages read through."""
