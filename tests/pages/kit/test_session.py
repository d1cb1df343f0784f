import json

from streamlit.testing.v1 import AppTest


def test_another_design_or_name_has_another_token() -> None:
    def tokens() -> None:
        import streamlit as st

        from core.design.presets import PRESETS
        from pages.components.kit import session

        tiny, article = PRESETS["tiny"].config, PRESETS["article"].config
        st.json(
            [session.idempotency_token(config) for config in (tiny, tiny, article)]
            + [session.idempotency_token(article, name) for name in ("a", "b", "b")]
        )

    first, second = (
        json.loads(AppTest.from_function(tokens, default_timeout=180).run().json[0].value) for _ in range(2)
    )
    assert [first.index(token) for token in first] == [0, 0, 2, 3, 4, 4]
    assert not set(first) & set(second)
