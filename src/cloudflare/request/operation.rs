//! What a request is for.
//!
//! **Invariant:** an operation's label never changes: dashboards and alerts name it.

/// Names each operation once: its variant, its label, the operation in words, and the permission that it needs.
macro_rules! operations {
    ($($(#[$doc:meta])* $operation:ident = $label:literal, $words:literal, $permission:expr;)+) => {
        /// What a request is for: the `operation` label of metrics and the start of error texts.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Operation {
            $($(#[$doc])* $operation,)+
        }

        impl Operation {
            /// Every operation, for metrics that list their labels in advance.
            pub const ALL: [Self; [$($label),+].len()] = [$(Self::$operation),+];

            /// The label in metrics and logs.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$operation => $label,)+
                }
            }

            /// The permission that the token needs (cloudflare.md#token-permissions); none to verify itself.
            pub const fn permission(self) -> Option<&'static str> {
                match self {
                    $(Self::$operation => $permission,)+
                }
            }

            /// The operation in words.
            pub const fn words(self) -> &'static str {
                match self {
                    $(Self::$operation => $words,)+
                }
            }
        }
    };
}

operations! {
    /// One page of deployment groups.
    ListGroups = "list_groups", "listing deployment groups", Some("Zero Trust Write");
    /// One deployment group.
    GetGroup = "get_group", "reading the deployment group", Some("Zero Trust Write");
    /// A new deployment group.
    CreateGroup = "create_group", "creating the deployment group", Some("Zero Trust Write");
    /// A change of a deployment group.
    UpdateGroup = "update_group", "updating the deployment group", Some("Zero Trust Write");
    /// All device settings profiles.
    ListProfiles = "list_profiles", "listing device settings profiles", Some("Zero Trust Read");
    /// The account's default profile.
    DefaultProfile = "default_profile", "reading the default device settings profile", Some("Zero Trust Read");
    /// One page of physical devices.
    ListDevices = "list_devices", "listing devices", Some("Zero Trust Read");
    /// The state of the token.
    VerifyToken = "verify_token", "verifying the token", None;
    /// One page of User Groups.
    ListUserGroups = "list_user_groups", "listing User Groups", Some("Account Settings Read");
    /// One User Group.
    GetUserGroup = "get_user_group", "reading the User Group", Some("Account Settings Read");
    /// New permission policies of a User Group.
    UpdateUserGroup = "update_user_group", "updating the User Group", Some("Account Settings Write");
    /// One page of a User Group's members.
    ListMembers = "list_members", "listing the User Group's members", Some("Account Settings Read");
    /// One page of permission groups: the roles that a policy can give.
    ListPermissionGroups = "list_permission_groups", "listing permission groups", Some("Account Settings Read");
    /// All resource groups: what a policy can be about.
    ListResourceGroups = "list_resource_groups", "listing resource groups", Some("Account Settings Read");
}

impl Operation {
    /// Whether the request changes something at Cloudflare.
    pub const fn is_write(self) -> bool {
        matches!(self, Self::CreateGroup | Self::UpdateGroup | Self::UpdateUserGroup)
    }

    /// Whether it is about one User Group, which may be gone.
    pub(in crate::cloudflare) const fn is_about_a_user_group(self) -> bool {
        matches!(self, Self::GetUserGroup | Self::UpdateUserGroup | Self::ListMembers)
    }

    /// Whether it is about deployment groups, of which one may have a profile already.
    pub(in crate::cloudflare) const fn is_about_a_deployment_group(self) -> bool {
        matches!(self, Self::ListGroups | Self::GetGroup | Self::CreateGroup | Self::UpdateGroup)
    }
}
