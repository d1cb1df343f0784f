"""What REST takes and gives, for programs: the OpenAPI document, made of the routes and of types."""
