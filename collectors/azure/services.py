"""Which of FOCUS's service categories an Azure meter category belongs to: one category per service."""

from typing import Final

_METERS: Final = {
    "AI and Machine Learning": """
        Azure Machine Learning|Cognitive Services|Azure OpenAI|Azure OpenAI Service|Foundry Models|Foundry Tools|
        Azure AI services|Azure Applied AI Services|Azure Bot Service|Machine Learning Studio|Azure AI Foundry|
        Azure Cognitive Search|Azure AI Search|Machine Learning Service|Bot Service|Azure Video Indexer
    """,
    "Analytics": """
        Azure Databricks|Azure Synapse Analytics|Azure Data Factory|Azure Data Factory v2|HDInsight|Stream Analytics|
        Azure Data Explorer|Power BI|Power BI Embedded|Azure Analysis Services|Data Lake Analytics|Microsoft Fabric|
        Azure Purview|Microsoft Purview|SQL Data Warehouse|Data Catalog
    """,
    "Business Applications": """
        Azure Communication Services|Communication Services|Email|Voice|SMS|Phone Numbers|Microsoft 365|Dynamics 365|
        Power Apps|Power Automate
    """,
    "Compute": """
        Virtual Machines|Virtual Machines Licenses|Virtual Machine Licenses|Cloud Services|Container Instances|
        Azure Container Apps|Azure Kubernetes Service|Functions|Batch|Container Registry|Service Fabric|
        Service Fabric Mesh|Azure Spring Cloud|Azure Spring Apps|Windows Virtual Desktop|Azure VMware Solution|
        Azure Red Hat OpenShift|Specialized Compute|BareMetal Infrastructure|Azure App Configuration|
        Azure Lab Services|Azure Compute Gallery|Azure Dedicated Host|Kubernetes
    """,
    "Databases": """
        SQL Database|SQL Managed Instance|SQL DB Edge|Azure Cosmos DB|Azure Database for MySQL|
        Azure Database for PostgreSQL|Azure Database for MariaDB|Redis Cache|Azure Managed Redis|
        Azure Cache for Redis|SQL Server Stretch Database|Azure Managed Instance for Apache Cassandra
    """,
    "Developer Tools": """
        Azure DevOps|Visual Studio Subscription|Visual Studio|Azure Load Testing|App Center|GitHub|Azure Dev Box|
        Microsoft Dev Box|Visual Studio Codespaces|Azure Playwright Testing
    """,
    "Identity": """
        Azure Active Directory|Azure Active Directory B2C|Azure Active Directory Domain Services|
        Azure Active Directory for External Identities|Microsoft Entra ID|Microsoft Entra Domain Services
    """,
    "Integration": """
        Service Bus|Event Hubs|Event Grid|Logic Apps|API Management|Notification Hubs|Azure Relay|Azure Web PubSub|
        Azure Health Data Services|BizTalk Services
    """,
    "Internet of Things": """
        IoT Hub|IoT Central|Azure IoT Operations|Digital Twins|Time Series Insights|Azure Sphere|Azure Maps
    """,
    "Management and Governance": """
        Azure Monitor|Log Analytics|Application Insights|Automation|Azure Policy|Azure Arc|Azure Advisor|
        Azure Managed Grafana|Insight and Analytics|Scheduler|Azure Chaos Studio|Azure Update Manager|
        Network Watcher|Azure Resource Manager|Azure Support
    """,
    "Media": """
        Media Services|Content Protection
    """,
    "Migration": """
        Azure Database Migration Service|Azure Migrate|Azure Site Recovery|Data Box|Import/Export
    """,
    "Networking": """
        Bandwidth|Virtual Network|Load Balancer|Application Gateway|VPN Gateway|ExpressRoute|Azure DNS|
        Traffic Manager|Content Delivery Network|Azure Front Door Service|Azure Front Door|Azure Firewall|
        Azure Firewall Manager|Azure Bastion|NAT Gateway|Virtual WAN|Azure DDOS Protection|Network Security|
        Azure Route Server|Azure Private Link|Rtn Preference: MGN
    """,
    "Security": """
        Key Vault|Security Center|Microsoft Defender for Cloud|Advanced Threat Protection|Advanced Data Security|
        Sentinel|Microsoft Sentinel|Azure Dedicated HSM|Azure Information Protection|Multi-Factor Authentication
    """,
    "Storage": """
        Storage|Backup|Azure NetApp Files|StorSimple|Azure Data Lake Store|Azure HPC Cache|Azure Managed Lustre|
        Azure Elastic SAN|Azure Data Share|Data Lake Store|Azure File Sync
    """,
    "Web": """
        Azure App Service|App Service|Web Apps|SignalR|Azure Static Web Apps|Static Web Apps
    """,
}

SERVICE_CATEGORIES: Final = {
    meter.strip().lower(): category
    for category, meters in _METERS.items()
    for meter in meters.split("|")
}  # fmt: skip
"""Meter category, lower case -> FOCUS service category; every other one is "Other"."""
