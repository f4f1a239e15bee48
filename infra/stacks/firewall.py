"""The firewall in front of everything: AWS's managed rules, and a limit for each address.

WAF has no place in front of an HTTP API, so it stands before CloudFront; and what stands there, AWS only takes in
us-east-1, whatever the stage's own region. This is therefore the one stack that names a region. Its ARN is left in a
parameter that the edge stack reads.

Who goes round it, straight to an API's own host name, is refused by the functions: see edge.py.
"""

from aws_cdk import Environment, RemovalPolicy, Stack
from aws_cdk import aws_logs as logs
from aws_cdk import aws_ssm as ssm
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from infra.stacks import retention
from infra.stages import Stage

REGION = "us-east-1"

# In the order in which they are asked. The cheap ones first.
_MANAGED = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesCommonRuleSet",
)
# These two count and let pass: a product's description is larger than 8 KB and may hold what looks like a script. Every
# body is validated by its schema, and no page of ours prints one unescaped.
_COUNTED = {"AWSManagedRulesCommonRuleSet": ("SizeRestrictions_BODY", "CrossSiteScripting_BODY")}


def parameter(stage: Stage) -> str:
    """Return the name of the parameter, in `REGION`, that holds the firewall's ARN."""
    return f"/{stage.prefix.replace('-', '/', 1)}/firewall"


class Firewall(Stack):
    """The web ACL of a stage."""

    def __init__(self, scope: Construct, name: str, *, stage: Stage) -> None:
        """Set up the rules."""
        super().__init__(
            scope, name, description="StormCom: the firewall, where AWS wants it.", env=Environment(region=REGION)
        )
        acl = waf.CfnWebACL(
            self,
            "Firewall",
            name=stage.named("firewall"),
            scope="CLOUDFRONT",
            default_action=waf.CfnWebACL.DefaultActionProperty(allow=waf.CfnWebACL.AllowActionProperty()),
            visibility_config=_seen_as("firewall"),
            rules=[
                _a_limit_for_each_address(stage),
                *(_managed(number, group) for number, group in enumerate(_MANAGED, start=1)),
            ],
        )
        log = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"aws-waf-logs-{stage.prefix}",  # WAF takes no other beginning
            retention=retention.of(stage.log_days),
            removal_policy=RemovalPolicy.DESTROY,
        )
        waf.CfnLoggingConfiguration(
            self,
            "Logging",
            resource_arn=acl.attr_arn,
            log_destination_configs=[
                self.format_arn(service="logs", resource="log-group", resource_name=log.log_group_name)
            ],
            redacted_fields=[
                waf.CfnLoggingConfiguration.FieldToMatchProperty(single_header={"Name": header})
                for header in ("authorization", "cookie", "x-cart-token")
            ],
            logging_filter={
                "DefaultBehavior": "DROP",  # what passed is in the access log already
                "Filters": [
                    {
                        "Behavior": "KEEP",
                        "Requirement": "MEETS_ANY",
                        "Conditions": [{"ActionCondition": {"Action": action}} for action in ("BLOCK", "COUNT")],
                    }
                ],
            },
        )
        ssm.StringParameter(self, "Arn", parameter_name=parameter(stage), string_value=acl.attr_arn)


def _seen_as(name: str) -> waf.CfnWebACL.VisibilityConfigProperty:
    return waf.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=True
    )


def _a_limit_for_each_address(stage: Stage) -> waf.CfnWebACL.RuleProperty:
    return waf.CfnWebACL.RuleProperty(
        name="requests-per-address",
        priority=0,
        action=waf.CfnWebACL.RuleActionProperty(
            block=waf.CfnWebACL.BlockActionProperty(
                custom_response=waf.CfnWebACL.CustomResponseProperty(
                    response_code=429,
                    response_headers=[waf.CfnWebACL.CustomHTTPHeaderProperty(name="Retry-After", value="60")],
                )
            )
        ),
        statement=waf.CfnWebACL.StatementProperty(
            rate_based_statement=waf.CfnWebACL.RateBasedStatementProperty(
                limit=stage.requests_per_address, aggregate_key_type="IP", evaluation_window_sec=300
            )
        ),
        visibility_config=_seen_as("requests-per-address"),
    )


def _managed(priority: int, group: str) -> waf.CfnWebACL.RuleProperty:
    counted = [
        waf.CfnWebACL.RuleActionOverrideProperty(
            name=rule, action_to_use=waf.CfnWebACL.RuleActionProperty(count=waf.CfnWebACL.CountActionProperty())
        )
        for rule in _COUNTED.get(group, ())
    ]
    return waf.CfnWebACL.RuleProperty(
        name=group,
        priority=priority,
        override_action=waf.CfnWebACL.OverrideActionProperty(none={}),
        statement=waf.CfnWebACL.StatementProperty(
            managed_rule_group_statement=waf.CfnWebACL.ManagedRuleGroupStatementProperty(
                vendor_name="AWS", name=group, rule_action_overrides=counted or None
            )
        ),
        visibility_config=_seen_as(group),
    )
