#!/bin/sh
# Makes an application by which FinOps reads: one container with exports or files, what exists in subscriptions, metrics.
# It can change nothing. Needs the Azure CLI, signed in (az login); may be run again.
# Usage: sh azure-read-role.sh [account=NAME container=NAME] [subscriptions=ID,ID] [metrics=ID,ID] [client=ID]
# account, container  the container in Blob storage that it lists and reads
# subscriptions       whose machines, disks, addresses, clusters and databases it sees: not their contents, no keys
# metrics             subscriptions whose metrics it reads, how busy things are; it sees what there is, as above
# client              an application that there is; without one, one is made whose secret is good for a year
set -eu

account="" container="" subscriptions="" metrics="" client_id="" secret=""
for argument in "$@"; do
    case $argument in
        account=?*) account=${argument#*=} ;;
        container=?*) container=${argument#*=} ;;
        subscriptions=?*) subscriptions=$(echo "${argument#*=}" | tr ',' ' ') ;;
        metrics=?*) metrics=$(echo "${argument#*=}" | tr ',' ' ') ;;
        client=?*) client_id=${argument#*=} ;;
        *) echo "$argument is not known: see the first lines of $0." >&2; exit 2 ;;
    esac
done
if [ -z "$account$subscriptions$metrics" ] || { [ -n "$account" ] && [ -z "$container" ]; }; then
    sed -n 's/^# \(Usage.*\)/\1/p' "$0" >&2
    exit 2
fi

if [ -z "$client_id" ]; then
    client_id=$(az ad app create --display-name "FinOps reads" --query appId --output tsv)
    secret=$(az ad app credential reset --id "$client_id" --years 1 --query password --output tsv)
fi
az ad sp show --id "$client_id" --output none 2>/dev/null || az ad sp create --id "$client_id" --output none

# assign ROLE SCOPE
assign() {
    az role assignment create --assignee "$client_id" --role "$1" --scope "$2" --output none
}
if [ -n "$account" ]; then
    account_id=$(az storage account show --name "$account" --query id --output tsv)
    assign "Storage Blob Data Reader" "$account_id/blobServices/default/containers/$container"
fi
for subscription in $subscriptions; do
    assign "Reader" "/subscriptions/$subscription"
done
for subscription in $metrics; do
    assign "Monitoring Reader" "/subscriptions/$subscription"
done

echo "Tenant id:     $(az account show --query tenantId --output tsv)"
echo "Client id:     $client_id"
if [ -n "$secret" ]; then echo "Client secret: $secret"; fi
echo "A new role takes up to ten minutes to be known."
