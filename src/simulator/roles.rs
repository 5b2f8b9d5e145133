//! The privileges and roles that come with the product, and the custom roles of a tidy estate.

use std::collections::{BTreeMap, BTreeSet};

use super::RoleDefinition;

/// The id of the Global Administrator role.
pub(super) const GLOBAL_ADMIN: &str = "global-admin";

/// The ids that cannot be edited, assigned or not.
pub(super) const BUILTIN: &[&str] = &[GLOBAL_ADMIN, "security-manager", "site-admin", "system-admin", "user"];

/// Every privilege of a current console.
pub(super) const PRIVILEGES: &[&str] = &[
    "all-permissions",
    "approve-vulnerability-exceptions",
    "assign-scan-engine",
    "assign-scan-template",
    "assign-ticket-assignee",
    "close-tickets",
    "configure-global-settings",
    "create-reports",
    "create-tickets",
    "delete-vulnerability-exceptions",
    "manage-advpolicies",
    "manage-asset-group-access",
    "manage-asset-group-assets",
    "manage-dynamic-asset-groups",
    "manage-policies",
    "manage-report-access",
    "manage-report-templates",
    "manage-scan-alerts",
    "manage-scan-engines",
    "manage-scan-templates",
    "manage-site-access",
    "manage-site-credentials",
    "manage-sites",
    "manage-static-asset-groups",
    "manage-tags",
    "manage-vuln-investigations",
    "purge-site-asset-data",
    "schedule-automatic-scans",
    "specify-scan-targets",
    "specify-site-metadata",
    "start-unscheduled-scans",
    "submit-vulnerability-exceptions",
    "use-restricted-report-sections",
    "view-asset-group-asset-data",
    "view-site-asset-data",
    "view-vuln-investigations",
];

/// What the built-in Site Owner holds, as recorded from version 6.6.210.
const SITE_OWNER: &[&str] = &[
    "assign-scan-template",
    "assign-ticket-assignee",
    "close-tickets",
    "create-reports",
    "create-tickets",
    "manage-report-templates",
    "manage-scan-alerts",
    "manage-site-credentials",
    "manage-vuln-investigations",
    "schedule-automatic-scans",
    "specify-site-metadata",
    "start-unscheduled-scans",
    "view-site-asset-data",
    "view-vuln-investigations",
];

/// What the built-in User holds, as recorded from version 6.6.46.
const USER: &[&str] = &[
    "assign-ticket-assignee",
    "close-tickets",
    "create-reports",
    "create-tickets",
    "view-asset-group-asset-data",
    "view-site-asset-data",
];

/// A set of names.
pub(super) fn names(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

/// A role definition from literals.
pub(super) fn role(name: &str, description: &str, privileges: &[&str]) -> RoleDefinition {
    RoleDefinition {
        name: name.to_owned(),
        description: description.to_owned(),
        privileges: names(privileges),
    }
}

/// The roles that come with the product. The two in the middle are plausible; no recording shows them.
pub(super) fn builtin_roles() -> BTreeMap<String, RoleDefinition> {
    let extra = |base: &[&'static str], more: &[&'static str]| [base, more].concat();
    let security_manager = extra(
        SITE_OWNER,
        &[
            "assign-scan-engine",
            "manage-dynamic-asset-groups",
            "manage-static-asset-groups",
            "submit-vulnerability-exceptions",
            "view-asset-group-asset-data",
        ],
    );
    let asset_owner = extra(USER, &["start-unscheduled-scans", "submit-vulnerability-exceptions"]);
    BTreeMap::from([
        (
            GLOBAL_ADMIN.to_owned(),
            role(
                "Global Administrator",
                "Full control over the console, its users and its settings.",
                PRIVILEGES,
            ),
        ),
        (
            "security-manager".to_owned(),
            role(
                "Security Manager",
                "Scans and reports across assigned sites and groups.",
                &security_manager,
            ),
        ),
        ("site-admin".to_owned(), role("Site Owner", "Configures and scans assigned sites.", SITE_OWNER)),
        (
            "system-admin".to_owned(),
            role("Asset Owner", "Rescans assigned assets and follows their remediation.", &asset_owner),
        ),
        ("user".to_owned(), role("User", "Views assigned assets and creates reports.", USER)),
    ])
}

/// The custom roles of a tidy estate: each in use, none contained in another custom role.
pub(super) fn custom_roles() -> BTreeMap<String, RoleDefinition> {
    BTreeMap::from([
        (
            "Site Admin Custom".to_owned(),
            role(
                "Regional site operator",
                "Runs and schedules scans of the sites of one region.",
                &[
                    "assign-scan-engine",
                    "create-reports",
                    "manage-scan-alerts",
                    "schedule-automatic-scans",
                    "specify-site-metadata",
                    "start-unscheduled-scans",
                    "view-site-asset-data",
                ],
            ),
        ),
        (
            "remediation-lead".to_owned(),
            role(
                "Remediation lead",
                "Assigns remediation work to teams and follows it up.",
                &[
                    "assign-ticket-assignee",
                    "create-tickets",
                    "submit-vulnerability-exceptions",
                    "view-asset-group-asset-data",
                    "view-site-asset-data",
                    "view-vuln-investigations",
                ],
            ),
        ),
        (
            "ReportAuthor".to_owned(),
            role(
                "Report author",
                "Writes and maintains the reports of a business unit.",
                &["create-reports", "manage-report-templates", "view-asset-group-asset-data", "manage-tags"],
            ),
        ),
    ])
}
