"""What IAM would say, without asking AWS: is a request allowed, and is one document contained in another?"""
