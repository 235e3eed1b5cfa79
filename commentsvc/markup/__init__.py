"""Text in, text out: what people type becomes HTML that is safe to show. Knows no database and no request."""
