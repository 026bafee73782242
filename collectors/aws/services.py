"""Which of FOCUS's service categories an AWS product belongs to, by product code: one category per service."""

from typing import Final

_CODES: Final = {
    "AI and Machine Learning": """
        AmazonBedrock AmazonBedrockService AmazonSageMaker AmazonRekognition AmazonPolly
        AmazonTextract AmazonLex AmazonPersonalize AmazonForecast AmazonKendra AmazonQ AmazonComprehend comprehend
        transcribe translate AmazonTranscribe AmazonTranslate AmazonAugmentedAI
    """,
    "Analytics": """
        AmazonAthena AWSGlue AmazonRedshift ElasticMapReduce AmazonKinesis AmazonKinesisFirehose
        AmazonKinesisAnalytics AmazonES AmazonQuickSight AmazonMSK AWSLakeFormation AmazonCloudSearch AmazonDataZone
        AWSDataExchange AmazonFinSpace
    """,
    "Business Applications": """
        AmazonConnect AmazonWorkDocs AmazonWorkMail AmazonChime ChimeBusinessCalling AmazonSES AmazonPinpoint
        AmazonHoneycode AWSSupplyChain AWSEndUserMessaging3pFees
    """,
    "Compute": """
        AmazonEC2 AWSLambda AmazonECS AmazonEKS AmazonLightsail AWSAppRunner AWSOutposts AmazonEKSAnywhere
        ElasticBeanstalk AmazonECR AmazonECRPublic AmazonWorkSpaces AmazonAppStream
    """,
    "Databases": """
        AmazonRDS AmazonDynamoDB AmazonElastiCache AmazonDocDB AmazonNeptune AmazonMemoryDB AmazonMCS AmazonTimestream
        AmazonQLDB AmazonSimpleDB AmazonDAX
    """,
    "Developer Tools": """
        CodeBuild AWSCodePipeline AWSCodeCommit AWSCodeDeploy AWSCodeArtifact AWSXRay AWSCloud9 AWSDeviceFarm
        AmazonCodeWhisperer AmazonCodeGuru AWSFIS AWSAmplify
    """,
    "Identity": """
        AmazonCognito AWSDirectoryService AmazonVerifiedPermissions
    """,
    "Integration": """
        AmazonSNS AWSQueueService AmazonStates AWSEvents AmazonMQ AmazonApiGateway AmazonAppFlow AmazonSWF AWSAppSync
        AmazonMWAA AWSB2Bi
    """,
    "Internet of Things": """
        AWSIoT AWSIoTAnalytics AWSIoTThingsGraph AWSGreengrass AWSIoTEvents AWSIoTSiteWise IngestionServiceSnowball
        AWSIoTDeviceManagement AWSIoTDeviceDefender
    """,
    "Management and Governance": """
        AmazonCloudWatch AWSCloudTrail AWSConfig AWSSystemsManager AWSBudgets AWSCostExplorer AWSSupportBusiness
        AWSSupportEnterprise AWSSupportDeveloper AWSSupportOnRamp AWSCloudFormation AWSServiceCatalog AmazonGrafana
        AmazonPrometheus AWSTelcoNetworkBuilder AWSResilienceHub AWSWellArchitected
        OCBPremiumSupport
    """,
    "Media": """
        AWSElementalMediaConvert AWSElementalMediaLive AWSElementalMediaPackage AWSElementalMediaStore
        AWSElementalMediaTailor AWSElementalMediaConnect AmazonIVS AmazonETS AmazonKinesisVideo AmazonNimbleStudio
    """,
    "Migration": """
        AWSDatabaseMigrationSvc AWSDataSync AWSTransfer ADSAppDiscovery AWSMigrationHub AWSMigrationHubRefactorSpaces
        AWSApplicationMigrationSvc AWSMainframeModernization
    """,
    "Networking": """
        AmazonVPC AmazonCloudFront AmazonRoute53 AWSELB AWSGlobalAccelerator AWSDirectConnect AWSDataTransfer
        AWSNetworkFirewall AWSCloudMap AWSAppMesh AmazonVPCLattice
    """,
    "Security": """
        AmazonGuardDuty awskms AWSSecretsManager awswaf AWSSecurityHub AmazonInspector AmazonInspectorV2 AmazonMacie
        AWSShield AWSCertificateManager AmazonDetective AWSFMS CloudHSM AmazonSecurityLake AWSAuditManager
        AWSPaymentCryptography
    """,
    "Storage": """
        AmazonS3 AmazonGlacier AmazonS3GlacierDeepArchive AmazonEFS AmazonFSx AWSStorageGateway AWSBackup
        AmazonS3Tables AWSStorageGatewayDeepArchive
    """,
}

SERVICE_CATEGORIES: Final = {code: category for category, codes in _CODES.items() for code in codes.split()}
"""Product code -> FOCUS service category; every other product is "Other"."""
