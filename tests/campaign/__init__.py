"""Bad inputs by the hundred: a corpus made by code, mutations by chance, one judgement of both."""
