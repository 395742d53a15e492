"""What the printed sheets and the weekly letters say. No streamlit here: the command line makes them too."""
