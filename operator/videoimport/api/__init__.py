"""The two resources, their reasons and conditions, the task a worker gets and the report it leaves. Pydantic only."""
