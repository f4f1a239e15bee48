"""The buckets, the layer that decodes pictures, and who gets it."""

import io
import json
import subprocess
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from infra import assets
from infra.stages import STAGES
from shared.core.topology import Topology
from tests.infra.assembly import Assembly, text
from tests.infra.conftest import Synthesize
from tests.infra.runtime_api import ISOLATED, Unpacked
from tests.infra.topologies import a_consumer, a_topology, functions

MEGABYTE = 1_000_000
WORKERS = {"media-process", "media-process-due"}


@pytest.fixture(scope="module")
def shop(synthesized: Synthesize) -> Assembly:
    """Synthesize a shop with a worker that decodes pictures, looked at by cdk-nag."""
    worker = a_consumer("media", "process", uses=("pictures", "uploads"))
    return synthesized(STAGES["prod"], a_topology(worker), checked=True)


def test_only_the_workers_on_pictures_have_the_decoders(committed: Topology) -> None:
    assert {one.name for one in functions(committed) if "pictures" in one.uses} == WORKERS


def test_a_function_gets_the_layer_by_its_word_and_no_other_function_does(shop: Assembly) -> None:
    layers = {name: len(one["Layers"]) for name, one in shop.functions().items()}

    assert {name for name, count in layers.items() if count == 2} == {"media-process"}
    assert {count for name, count in layers.items() if name != "media-process"} == {1}


def test_every_function_is_told_where_the_objects_are(shop: Assembly) -> None:
    [told] = {
        text(one["Environment"]["Variables"]["STORMCOM_OBJECTS"])
        for name, one in shop.functions().items()
        if name != "migrations"
    }

    assert told.startswith("s3:stormcom-prod-")
    assert told.endswith("-")


def test_buckets_are_closed_encrypted_and_asked_over_tls_alone(shop: Assembly) -> None:
    buckets = dict(shop.resources("AWS::S3::Bucket", stack="objects"))

    assert len(buckets) == 4
    for bucket in buckets.values():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["BucketEncryption"]
    policies = [
        one["PolicyDocument"]["Statement"] for _, one in shop.resources("AWS::S3::BucketPolicy", stack="objects")
    ]
    assert all(any(one["Effect"] == "Deny" and "Bool" in one["Condition"] for one in policy) for policy in policies)
    allowed = [text(one["Principal"]) for policy in policies for one in policy if one["Effect"] == "Allow"]
    assert not [who for who in allowed if "*" in who]


def test_only_this_stages_edge_reads_pictures_and_nobody_reads_uploads(shop: Assembly) -> None:
    policies = dict(shop.resources("AWS::S3::BucketPolicy", stack="objects"))
    statements = {
        name: [one for one in policy["PolicyDocument"]["Statement"] if "cloudfront" in text(one["Principal"])]
        for name, policy in policies.items()
    }
    [(media, reading)] = [(name, found) for name, found in statements.items() if found]

    assert media.startswith("Media")
    for one in reading:
        assert "Distribution" in text(one["Condition"]["StringEquals"]["AWS:SourceArn"])


def test_uploads_are_forgotten_and_pictures_are_kept(shop: Assembly) -> None:
    rules = {
        name.rstrip("0123456789ABCDEF"): [
            rule.get("ExpirationInDays") for rule in bucket["LifecycleConfiguration"]["Rules"]
        ]
        for name, bucket in shop.resources("AWS::S3::Bucket", stack="objects")
    }

    assert rules["Uploads"] == [30]
    assert rules["Media"] == [None]


def test_a_browser_anywhere_may_send_a_form_and_nothing_else(shop: Assembly) -> None:
    [cors] = [
        bucket["CorsConfiguration"]["CorsRules"]
        for _, bucket in shop.resources("AWS::S3::Bucket", stack="objects")
        if "CorsConfiguration" in bucket
    ]

    assert [rule["AllowedMethods"] for rule in cors] == [["POST"]]


def test_the_edge_serves_pictures_from_the_bucket_and_keeps_them(shop: Assembly) -> None:
    config = shop.one("AWS::CloudFront::Distribution")["DistributionConfig"]
    [behavior] = [one for one in config["CacheBehaviors"] if one["PathPattern"] == "/media/*"]
    [origin] = [one for one in config["Origins"] if one["Id"] == behavior["TargetOriginId"]]

    assert behavior["AllowedMethods"] == ["GET", "HEAD"]
    assert behavior["CachePolicyId"] == "658327ea-f89d-4fab-a63d-7e88639e58f6"  # AWS's "CachingOptimized"
    assert "stormcom-prod-" in text(origin["DomainName"])
    assert "OriginCustomHeaders" not in origin  # the secret is for functions
    assert origin["OriginAccessControlId"]


def test_the_layer_holds_pillow_for_arm64_alone_and_fits_beside_the_other() -> None:
    [layer] = assets.layers().values()

    with zipfile.ZipFile(layer.path) as archive:
        names = archive.namelist()
        machines = {
            int.from_bytes(archive.read(name)[18:20], "little") for name in names if ".so" in Path(name).suffixes
        }
    packages = {name.split("/")[1].partition("-")[0] for name in names} - {".lock"}  # uv leaves an empty one
    together = sum(map(assets.unpacked_size, (layer, assets.layer(), assets.code())))

    assert machines == {183}  # EM_AARCH64
    assert packages == {"PIL", "pillow", "pillow.libs"}
    assert together < 250 * MEGABYTE  # Lambda's limit


def test_a_picture_is_rendered_by_what_is_shipped(unpacked: Unpacked, tmp_path: Path) -> None:
    [layer] = assets.layers(platform=assets.HERE).values()
    assets.unpack(layer, tmp_path / "opt")
    (tmp_path / "work").mkdir()
    Image.linear_gradient("L").convert("RGB").save(tmp_path / "work" / "original", "JPEG")
    script = (
        "import runpy, sys; sys.path[:0] = sys.argv[1:4]; del sys.argv[1:4]; "
        "runpy.run_module('shared.media.rendering', run_name='__main__', alter_sys=True)"
    )
    places = [unpacked.task, unpacked.packages, tmp_path / "opt" / "python"]

    done = subprocess.run(
        [*ISOLATED, "-c", script, *map(str, places), str(tmp_path / "work")],
        env={},
        cwd=unpacked.task,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    made = json.loads(done.stdout)["renditions"]
    assert {one["format"] for one in made} == {"avif", "webp", "jpeg"}
    for one in made:
        assert Image.open(io.BytesIO((tmp_path / "work" / one["file"]).read_bytes())).width == one["width"]
