"""Two pages of one shape (four tiles, three charts, a table), to time clicks in a browser: ours and bare Streamlit."""
