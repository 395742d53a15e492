"""The numbers: declared, compiled to SQL, evaluated."""
