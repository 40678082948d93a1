"""The Celery side: messages on Redis are hints, the job table is the record of what is to be done."""
