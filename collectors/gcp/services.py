"""Which of FOCUS's service categories a Google Cloud service belongs to: one category per service."""

from typing import Final

_SERVICES: Final = {
    "AI and Machine Learning": """
        Vertex AI|Vertex AI API|Gemini API|Generative Language API|Cloud Vision API|Cloud Natural Language|
        Cloud Natural Language API|Cloud Speech API|Cloud Speech-to-Text API|Cloud Text-to-Speech API|Translate|
        Cloud Translation API|Cloud Document AI API|Dialogflow API|Cloud Machine Learning Engine|Cloud AutoML|
        Vertex AI Search|Recommendations AI|Cloud TPU|Gemini for Google Cloud API|AI Platform|Notebooks
    """,
    "Analytics": """
        BigQuery|BigQuery Reservation API|BigQuery Storage API|BigQuery BI Engine|BigQuery Data Transfer Service|
        Cloud Dataflow|Cloud Dataproc|Dataplex|Cloud Composer|Cloud Data Fusion|Looker|Looker Studio|Data Catalog|
        Dataform|Analytics Hub|Cloud Dataprep|Dataproc Metastore
    """,
    "Business Applications": """
        Google Workspace|Contact Center AI|Maps API|Places API|Directions API|Geocoding API
    """,
    "Compute": """
        Compute Engine|Kubernetes Engine|Google Kubernetes Engine|Cloud Run|Cloud Run Functions|Cloud Functions|
        App Engine|Batch|Google Cloud VMware Engine|Artifact Registry|Container Registry|Cloud GPU|Bare Metal Solution
    """,
    "Databases": """
        Cloud SQL|Cloud Spanner|Cloud Bigtable|Cloud Firestore|Cloud Datastore|Memorystore|AlloyDB|
        Cloud Memorystore for Redis|Memorystore for Redis|Firebase Realtime Database
    """,
    "Developer Tools": """
        Cloud Build|Source Repository|Cloud Source Repositories|Cloud Deploy|Cloud Workstations|Firebase|
        Firebase Test Lab|Apigee
    """,
    "Identity": """
        Identity Platform|Cloud Identity|Managed Service for Microsoft Active Directory
    """,
    "Integration": """
        Cloud Pub/Sub|Cloud Tasks|Cloud Scheduler|Workflows|Eventarc|Application Integration|API Gateway|
        Cloud Endpoints
    """,
    "Internet of Things": """
        Cloud IoT Core
    """,
    "Management and Governance": """
        Cloud Monitoring|Cloud Logging|Stackdriver Monitoring|Stackdriver Logging|Stackdriver|Cloud Trace|
        Cloud Profiler|Support|Cloud Asset Inventory|Service Control|Cloud Backup and DR|Recommender|
        Enhanced Support|Standard Support|Premium Support
    """,
    "Media": """
        Transcoder API|Live Stream API|Video Stitcher API|Cloud Video Intelligence API
    """,
    "Migration": """
        Storage Transfer Service|Database Migration Service|Datastream|Migrate to Virtual Machines|Transfer Appliance
    """,
    "Networking": """
        Networking|Cloud DNS|Cloud CDN|Cloud Load Balancing|Cloud NAT|Cloud VPN|Cloud Interconnect|Cloud Armor|
        Network Intelligence Center|Network Connectivity Center|Virtual Private Cloud|Cloud Domains
    """,
    "Security": """
        Cloud Key Management Service (KMS)|Secret Manager|Security Command Center|Cloud Data Loss Prevention|
        Certificate Authority Service|reCAPTCHA Enterprise|Cloud HSM|Web Risk|Chronicle|BeyondCorp Enterprise
    """,
    "Storage": """
        Cloud Storage|Cloud Filestore|Filestore|Backup for GKE|Cloud Storage for Firebase|NetApp Volumes|Parallelstore
    """,
    "Web": """
        Firebase Hosting
    """,
}

SERVICE_CATEGORIES: Final = {
    service.strip().lower(): category
    for category, services in _SERVICES.items()
    for service in services.split("|")
}  # fmt: skip
"""Service description, lower case -> FOCUS service category; every other one is "Other"."""
