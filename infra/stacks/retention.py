"""How long logs are kept, in CloudWatch's own words."""

from aws_cdk import aws_logs as logs

_RETENTION = {
    7: logs.RetentionDays.ONE_WEEK,
    30: logs.RetentionDays.ONE_MONTH,
    90: logs.RetentionDays.THREE_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
}


def of(days: int) -> logs.RetentionDays:
    """Return the retention of so many days."""
    return _RETENTION[days]
