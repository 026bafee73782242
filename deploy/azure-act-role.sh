#!/bin/sh
# Makes an application by which FinOps stops and starts what its policies name: machines, scale sets, AKS clusters,
# Machine Learning computes and databases. It can neither make nor delete anything, nor change locks or roles, nor read
# what is in them. Reading needs azure-read-role.sh, not this. Needs the Azure CLI, signed in as an owner (az login);
# may be run again.
# Usage: sh azure-act-role.sh subscription=ID [group=NAME] [client=ID]
# subscription  what it may act on
# group         a resource group of it, where that is all that it may act on
# client        an application that there is; without one, one is made whose secret is good for a year
set -eu

subscription="" group="" client_id="" secret=""
for argument in "$@"; do
    case $argument in
        subscription=?*) subscription=${argument#*=} ;;
        group=?*) group=${argument#*=} ;;
        client=?*) client_id=${argument#*=} ;;
        *) echo "$argument is not known: see the first lines of $0." >&2; exit 2 ;;
    esac
done
if [ -z "$subscription" ]; then
    sed -n 's/^# \(Usage.*\)/\1/p' "$0" >&2
    exit 2
fi
scope="/subscriptions/$subscription${group:+/resourceGroups/$group}"

seen='"Microsoft.Compute/virtualMachines/read",
    "Microsoft.Compute/virtualMachines/instanceView/read",
    "Microsoft.Compute/virtualMachineScaleSets/read",
    "Microsoft.Compute/virtualMachineScaleSets/instanceView/read",
    "Microsoft.ContainerService/managedClusters/read",
    "Microsoft.MachineLearningServices/workspaces/computes/read",
    "Microsoft.Sql/servers/databases/read",
    "Microsoft.DBforPostgreSQL/flexibleServers/read",
    "Microsoft.DBforMySQL/flexibleServers/read"'
# a machine that is only powered off is still billed: it is deallocated
stop='"Microsoft.Compute/virtualMachines/deallocate/action",
    "Microsoft.Compute/virtualMachineScaleSets/deallocate/action",
    "Microsoft.ContainerService/managedClusters/stop/action",
    "Microsoft.MachineLearningServices/workspaces/computes/stop/action",
    "Microsoft.Sql/servers/databases/pause/action",
    "Microsoft.DBforPostgreSQL/flexibleServers/stop/action",
    "Microsoft.DBforMySQL/flexibleServers/stop/action"'
start='"Microsoft.Compute/virtualMachines/start/action",
    "Microsoft.Compute/virtualMachineScaleSets/start/action",
    "Microsoft.ContainerService/managedClusters/start/action",
    "Microsoft.MachineLearningServices/workspaces/computes/start/action",
    "Microsoft.Sql/servers/databases/resume/action",
    "Microsoft.DBforPostgreSQL/flexibleServers/start/action",
    "Microsoft.DBforMySQL/flexibleServers/start/action"'

if [ -z "$client_id" ]; then
    client_id=$(az ad app create --display-name "FinOps acts" --query appId --output tsv)
    secret=$(az ad app credential reset --id "$client_id" --years 1 --query password --output tsv)
fi
az ad sp show --id "$client_id" --output none 2>/dev/null || az ad sp create --id "$client_id" --output none

# grant NAME ACTIONS: a role as it is to be, whether it was there or not, for the application
grant() {
    name="$1 in $subscription"
    found=$(az role definition list --custom-role-only true --name "$name" --query "[0].name" --output tsv)
    if [ -n "$found" ]; then verb=update; else verb=create; fi
    az role definition "$verb" --output none --role-definition '{
    "Name": "'"$name"'",
    "Description": "Given to FinOps, which acts on what its policies name.",
    "Actions": ['"$seen"',
    '"$2"'],
    "AssignableScopes": ["/subscriptions/'"$subscription"'"]
}'
    # a role that was just made is not known everywhere at once
    for pause in 5 10 20 0; do
        if az role assignment create --assignee "$client_id" --role "$name" --scope "$scope" --output none; then
            return
        fi
        sleep "$pause"
    done
    echo "$name could not be assigned: run this again in some minutes." >&2
    exit 1
}
grant "FinOps stops" "$stop"
grant "FinOps starts" "$start"

echo "Tenant id:     $(az account show --query tenantId --output tsv)"
echo "Client id:     $client_id"
if [ -n "$secret" ]; then echo "Client secret: $secret"; fi
echo "A new role takes up to ten minutes to be known."
