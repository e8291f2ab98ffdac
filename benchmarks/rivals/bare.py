"""The least that a Streamlit app can do: one box, and a word that tells how it stands."""

import streamlit as st

on = st.sidebar.checkbox("Box", key="box")
with st.container(key="echo"):
    st.write("on" if on else "off")
