#!/bin/sh
# Makes a group whose members list and read Oracle's cost reports, and see which instances and volumes there are.
# They can change nothing. Usage: sh oci-read-policy.sh TENANCY_OCID [USER_OCID]
# Needs the OCI CLI, set up for an administrator, in the home region of the tenancy. The user, if given, joins the group.
set -eu

if [ $# -lt 1 ]; then
    echo "Usage: sh $0 TENANCY_OCID [USER_OCID]" >&2
    exit 2
fi
tenancy=$1 user=${2:-}
# Oracle's own tenancy, in which the reports of every tenancy lie
reports=ocid1.tenancy.oc1..aaaaaaaaned4fkpkisbwjlr56u7cj63lf3wffbilvqknstgtvzub7vhqkggq

group=$(oci iam group create --compartment-id "$tenancy" --name FinOpsReaders \
    --description "FinOps reads costs and what exists" --query data.id --raw-output)
oci iam policy create --compartment-id "$tenancy" --name FinOpsReaders \
    --description "FinOps reads costs and what exists" \
    --statements '[
        "Define tenancy usage-report as '"$reports"'",
        "Endorse group FinOpsReaders to read objects in tenancy usage-report",
        "Allow group FinOpsReaders to inspect compartments in tenancy",
        "Allow group FinOpsReaders to inspect tenancies in tenancy",
        "Allow group FinOpsReaders to read instances in tenancy",
        "Allow group FinOpsReaders to inspect volumes in tenancy",
        "Allow group FinOpsReaders to inspect volume-attachments in tenancy"
    ]' >/dev/null
if [ -n "$user" ]; then oci iam group add-user --group-id "$group" --user-id "$user" >/dev/null; fi

echo "Group: $group"
echo "Add an API key to the user (Identity > Users > API keys) and paste its private half into the form."
