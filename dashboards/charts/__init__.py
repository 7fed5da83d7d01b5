"""Pictures: plain values in, what plotly.js draws out. Colours are names that the page's style resolves."""
