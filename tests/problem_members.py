"""What an answer to a request that cannot be carried out has, in this order: the contract's two, then RFC 9457's."""

PROBLEM_MEMBERS = ["error", "field", "type", "title", "status", "detail", "code"]
