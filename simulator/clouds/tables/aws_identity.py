"""IAM, KMS, logs, events and queues of AWS."""

from simulator.clouds.rows import Row
from simulator.clouds.tables.aws_compute import ROLE

_IAM = "arn:aws-simulated:iam::{account}"
_POLICY = "aws:iam/policy:Policy"
_KEY = "aws:kms/key:Key"
_LOGS = "aws:cloudwatch/logGroup:LogGroup"
_RULE = "aws:cloudwatch/eventRule:EventRule"
_QUEUE = "aws:sqs/queue:Queue"

ROWS = (
    Row(
        ROLE,
        "iam.CreateRole",
        id="{name}",
        renames={
            "name": "RoleName",
            "namePrefix": "RoleName",
            "assumeRolePolicy": "AssumeRolePolicyDocument",
            "inlinePolicies": "iam.PutRolePolicy/",
            "inlinePolicies.name": "PolicyName",
            "inlinePolicies.policy": "PolicyDocument",
            "managedPolicyArns": "iam.AttachRolePolicy/PolicyArn",
        },
        supplied="inlinePolicies.RoleName",
        unchecked="forceDetachPolicies",
        autoname="name",
        outputs={
            "arn": _IAM + ":role{path}{name}",
            "createDate": "2026-01-01T00:00:00Z",
            "uniqueId": "AROASIMULATED{number}",
            "inlinePolicies": [],
            "managedPolicyArns": [],
        },
        fixed="name namePrefix path",
        unique="{name}",
    ),
    Row(
        "aws:iam/rolePolicy:RolePolicy",
        "iam.PutRolePolicy",
        id="{role}:{name}",
        renames={"name": "PolicyName", "namePrefix": "PolicyName", "role": "RoleName", "policy": "PolicyDocument"},
        autoname="name",
        fixed="role name namePrefix",
        unique="{role} {name}",
        needs={"role": ROLE},
    ),
    Row(
        _POLICY,
        "iam.CreatePolicy",
        id=_IAM + ":policy{path}{name}",
        renames={"name": "PolicyName", "namePrefix": "PolicyName", "policy": "PolicyDocument"},
        unchecked="delayAfterPolicyCreationInMs",
        autoname="name",
        outputs={"arn": "{id}", "attachmentCount": 0, "policyId": "ANPASIMULATED{number}"},
        fixed="name namePrefix path description",
        unique="{name}",
    ),
    Row(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "iam.AttachRolePolicy",
        id="{role}/{policyArn}",
        renames={"role": "RoleName"},
        fixed="role policyArn",
        unique="{role} {policyArn}",
        needs={"role": ROLE, "policyArn": _POLICY},
    ),
    Row(
        "aws:iam/instanceProfile:InstanceProfile",
        "iam.CreateInstanceProfile",
        id="{name}",
        renames={
            "name": "InstanceProfileName",
            "namePrefix": "InstanceProfileName",
            "role": "iam.AddRoleToInstanceProfile/RoleName",
        },
        autoname="name",
        outputs={
            "arn": _IAM + ":instance-profile{path}{name}",
            "createDate": "2026-01-01T00:00:00Z",
            "uniqueId": "AIPASIMULATED{number}",
        },
        fixed="name namePrefix path",
        unique="{name}",
        needs={"role": ROLE},
    ),
    Row(
        _KEY,
        "kms.CreateKey",
        id="{uuid}",
        renames={
            "deletionWindowInDays": "kms.ScheduleKeyDeletion/PendingWindowInDays",
            "rotationPeriodInDays": "kms.EnableKeyRotation/RotationPeriodInDays",
        },
        unchecked="enableKeyRotation isEnabled",
        outputs={
            "arn": "arn:aws-simulated:kms:{region}:{account}:key/{id}",
            "keyId": "{id}",
            "description": "",
            "multiRegion": False,
            "policy": "{{}}",
            "rotationPeriodInDays": 365,
        },
        fixed="keyUsage customerMasterKeySpec customKeyStoreId multiRegion xksKeyId",
    ),
    Row(
        "aws:kms/alias:Alias",
        "kms.CreateAlias",
        id="{name}",
        renames={"name": "AliasName", "namePrefix": "AliasName"},
        outputs={
            "arn": "arn:aws-simulated:kms:{region}:{account}:{name}",
            "targetKeyArn": "arn:aws-simulated:kms:{region}:{account}:key/{targetKeyId}",
        },
        fixed="name namePrefix",
        unique="{name}",
        needs={"~targetKeyId": _KEY},
    ),
    Row(
        _LOGS,
        "logs.CreateLogGroup",
        id="{name}",
        renames={
            "name": "logGroupName",
            "namePrefix": "logGroupName",
            "retentionInDays": "logs.PutRetentionPolicy/retentionInDays",
        },
        unchecked="skipDestroy",
        autoname="name",
        outputs={
            "arn": "arn:aws-simulated:logs:{region}:{account}:log-group:{name}",
            "logGroupClass": "STANDARD",
            "deletionProtectionEnabled": False,
        },
        fixed="name namePrefix logGroupClass",
        unique="{name}",
        needs={"~kmsKeyId": _KEY},
        protected="deletionProtectionEnabled",
    ),
    Row(
        _RULE,
        "events.PutRule",
        id="{name}",
        renames={"namePrefix": "Name"},
        unchecked="forceDestroy isEnabled",
        autoname="name",
        outputs={"arn": "arn:aws-simulated:events:{region}:{account}:rule/{name}"},
        fixed="name namePrefix eventBusName",
        unique="{eventBusName} {name}",
    ),
    Row(
        "aws:cloudwatch/eventTarget:EventTarget",
        "events.PutTargets:Targets.[]",
        id="{rule}-{targetId}",
        renames={
            "rule": "events.PutTargets/Rule",
            "eventBusName": "events.PutTargets/EventBusName",
            "targetId": "Id",
            "sqsTarget": "SqsParameters",
            "inputTransformer.inputPaths": "InputPathsMap",
            "retryPolicy.maximumEventAgeInSeconds": "MaximumEventAgeInSeconds",
        },
        supplied="Id",
        unchecked="forceDestroy",
        outputs={"targetId": "simulated-{hash}"},
        fixed="rule targetId eventBusName",
        unique="{rule} {targetId}",
        needs={"rule": _RULE, "~arn": f"{_QUEUE} {_LOGS}"},
    ),
    Row(
        _QUEUE,
        "sqs.CreateQueue",
        id="https://sqs.{region}.simulated.invalid/{account}/{name}",
        renames={"name": "QueueName", "namePrefix": "QueueName"},
        # Attributes are a map of strings in the API: SQS checks them, its model does not.
        unchecked="""
            contentBasedDeduplication deduplicationScope delaySeconds fifoQueue fifoThroughputLimit
            kmsDataKeyReusePeriodSeconds kmsMasterKeyId maxMessageSize messageRetentionSeconds policy
            receiveWaitTimeSeconds redriveAllowPolicy redrivePolicy sqsManagedSseEnabled visibilityTimeoutSeconds
        """,
        autoname="name",
        outputs={
            "arn": "arn:aws-simulated:sqs:{region}:{account}:{name}",
            "url": "{id}",
            "sqsManagedSseEnabled": True,
            "policy": "",
        },
        fixed="name namePrefix fifoQueue",
        unique="{name}",
    ),
    Row(
        "aws:sqs/queuePolicy:QueuePolicy",
        "sqs.SetQueueAttributes",
        id="{queueUrl}",
        unchecked="policy",
        supplied="Attributes",
        fixed="queueUrl",
        unique="{queueUrl}",
        needs={"~queueUrl": _QUEUE},
    ),
)
