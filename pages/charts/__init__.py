"""Pure chart builders: a frame of evaluated numbers in, a Plotly figure and its sentence out."""
