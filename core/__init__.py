"""ConvDeck's core: everything but what is drawn on a page. Never imports streamlit."""
