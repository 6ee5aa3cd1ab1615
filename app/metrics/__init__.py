"""What Prometheus reads: requests, counted by the processes of this API, and the record's own.

Whatever process of the API answers, on whatever machine, tells the same of the record.
"""
