#!/bin/sh
# Makes an application by which FinOps lists and reads one container of Azure Blob storage. It can change nothing.
# Usage: sh azure-read-role.sh STORAGE_ACCOUNT CONTAINER [CLIENT_ID]
# Without CLIENT_ID, an application is made whose secret is good for a year. Needs the Azure CLI, signed in (az login).
set -eu

if [ $# -lt 2 ]; then
    echo "Usage: sh $0 STORAGE_ACCOUNT CONTAINER [CLIENT_ID]" >&2
    exit 2
fi
account=$1 container=$2 client_id=${3:-} secret=""

account_id=$(az storage account show --name "$account" --query id --output tsv)
if [ -z "$client_id" ]; then
    client_id=$(az ad app create --display-name "FinOps reads $account/$container" --query appId --output tsv)
    secret=$(az ad app credential reset --id "$client_id" --years 1 --query password --output tsv)
fi
az ad sp show --id "$client_id" --output none 2>/dev/null || az ad sp create --id "$client_id" --output none
az role assignment create \
    --assignee "$client_id" \
    --role "Storage Blob Data Reader" \
    --scope "$account_id/blobServices/default/containers/$container" \
    --output none

echo "Tenant id:     $(az account show --query tenantId --output tsv)"
echo "Client id:     $client_id"
if [ -n "$secret" ]; then echo "Client secret: $secret"; fi
echo "A new role takes up to ten minutes to be known."
