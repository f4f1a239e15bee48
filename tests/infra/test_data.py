"""The database is reached over TLS and through the proxy alone, and a stage that matters can't be lost by mistake."""

from tests.infra.assembly import Assembly, text


def test_the_proxy_takes_only_iam_and_only_tls(prod: Assembly) -> None:
    proxy = prod.one("AWS::RDS::DBProxy")

    assert proxy["RequireTLS"] is True
    assert [one["IAMAuth"] for one in proxy["Auth"]] == ["REQUIRED", "REQUIRED"]
    assert ["ApplicationSecret" in text(one["SecretArn"]) for one in proxy["Auth"]] == [True, False]


def test_the_cluster_is_postgresql_18_6_encrypted_and_refuses_plain_connections(prod: Assembly) -> None:
    cluster = prod.one("AWS::RDS::DBCluster")
    parameters = prod.one("AWS::RDS::DBClusterParameterGroup")["Parameters"]

    assert (cluster["Engine"], cluster["EngineVersion"]) == ("aurora-postgresql", "18.6")
    assert cluster["StorageEncrypted"] is True
    assert (cluster["MasterUsername"], cluster["ManageMasterUserPassword"]) == ("stormcom_owner", True)
    assert (parameters["rds.force_ssl"], parameters["timezone"]) == ("1", "UTC")


def test_production_is_kept_and_a_developers_stage_goes_without_a_trace(prod: Assembly, dev: Assembly) -> None:
    kept, gone = (_with_its_fate(assembly) for assembly in (prod, dev))

    assert kept == {"delete": "Snapshot", "protected": True, "days": 35, "capacity": (2, 64), "instances": 2}
    assert gone == {"delete": "Delete", "protected": False, "days": 7, "capacity": (0.5, 4), "instances": 1}


def test_production_has_a_copy_of_every_month_for_a_year(prod: Assembly, dev: Assembly) -> None:
    [rule] = prod.one("AWS::Backup::BackupPlan")["BackupPlan"]["BackupPlanRule"]

    assert rule["Lifecycle"] == {"DeleteAfterDays": 365}
    assert "DatabaseB269D8BB" in text(prod.one("AWS::Backup::BackupSelection")["BackupSelection"]["Resources"])
    assert list(dev.resources("AWS::Backup::BackupPlan")) == []


def test_the_applications_password_changes_every_month_but_not_before_its_user_exists(prod: Assembly) -> None:
    rotation = prod.one("AWS::SecretsManager::RotationSchedule")

    assert rotation["RotationRules"] == {"ScheduleExpression": "rate(30 days)"}
    assert rotation["RotateImmediatelyOnUpdate"] is False


def test_nobody_but_the_proxy_and_the_rotation_reaches_the_database(prod: Assembly) -> None:
    rules = [
        (_party(one["SourceSecurityGroupId"]), _party(one["GroupId"]), one["FromPort"])
        for _, one in prod.resources("AWS::EC2::SecurityGroupIngress")
    ]

    assert sorted(rules) == [
        ("Functions", "Endpoints", 443),
        ("Functions", "Proxy", 5432),
        ("Migrations", "Endpoints", 443),
        ("Migrations", "Proxy", 5432),
        ("Proxy", "Database", 5432),
        ("Rotation", "Database", 5432),
        ("Rotation", "Endpoints", 443),
    ]
    assert list(prod.resources("AWS::EC2::InternetGateway")) == []


def _with_its_fate(assembly: Assembly) -> dict[str, object]:
    [cluster] = [
        one for one in assembly.templates["data"]["Resources"].values() if one["Type"] == "AWS::RDS::DBCluster"
    ]
    scaling = cluster["Properties"]["ServerlessV2ScalingConfiguration"]
    return {
        "delete": cluster["DeletionPolicy"],
        "protected": cluster["Properties"]["DeletionProtection"],
        "days": cluster["Properties"]["BackupRetentionPeriod"],
        "capacity": (scaling["MinCapacity"], scaling["MaxCapacity"]),
        "instances": len(list(assembly.resources("AWS::RDS::DBInstance"))),
    }


def _party(group: object) -> str:
    known = ("Functions", "Migrations", "Rotation", "Proxy", "Database", "Endpoints")
    return next(name for name in known if f'"{name}' in text(group))
