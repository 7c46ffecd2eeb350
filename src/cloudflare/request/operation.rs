//! What a request is for.
//!
//! **Invariant:** an operation's label never changes: dashboards and alerts name it.

/// What a request is for: the `operation` label of metrics and the start of error texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// One page of deployment groups.
    ListGroups,
    /// One deployment group.
    GetGroup,
    /// A new deployment group.
    CreateGroup,
    /// A change of a deployment group.
    UpdateGroup,
    /// All device settings profiles.
    ListProfiles,
    /// The account's default profile.
    DefaultProfile,
    /// One page of physical devices.
    ListDevices,
    /// The state of the token.
    VerifyToken,
    /// One page of User Groups.
    ListUserGroups,
    /// One User Group.
    GetUserGroup,
    /// New permission policies of a User Group.
    UpdateUserGroup,
    /// One page of a User Group's members.
    ListMembers,
    /// One page of permission groups: the roles that a policy can give.
    ListPermissionGroups,
    /// All resource groups: what a policy can be about.
    ListResourceGroups,
}

impl Operation {
    /// Every operation, for metrics that list their labels in advance.
    pub const ALL: [Self; 14] = [
        Self::ListGroups,
        Self::GetGroup,
        Self::CreateGroup,
        Self::UpdateGroup,
        Self::ListProfiles,
        Self::DefaultProfile,
        Self::ListDevices,
        Self::VerifyToken,
        Self::ListUserGroups,
        Self::GetUserGroup,
        Self::UpdateUserGroup,
        Self::ListMembers,
        Self::ListPermissionGroups,
        Self::ListResourceGroups,
    ];

    /// The label in metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ListGroups => "list_groups",
            Self::GetGroup => "get_group",
            Self::CreateGroup => "create_group",
            Self::UpdateGroup => "update_group",
            Self::ListProfiles => "list_profiles",
            Self::DefaultProfile => "default_profile",
            Self::ListDevices => "list_devices",
            Self::VerifyToken => "verify_token",
            Self::ListUserGroups => "list_user_groups",
            Self::GetUserGroup => "get_user_group",
            Self::UpdateUserGroup => "update_user_group",
            Self::ListMembers => "list_members",
            Self::ListPermissionGroups => "list_permission_groups",
            Self::ListResourceGroups => "list_resource_groups",
        }
    }

    /// The operation in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::ListGroups => "listing deployment groups",
            Self::GetGroup => "reading the deployment group",
            Self::CreateGroup => "creating the deployment group",
            Self::UpdateGroup => "updating the deployment group",
            Self::ListProfiles => "listing device settings profiles",
            Self::DefaultProfile => "reading the default device settings profile",
            Self::ListDevices => "listing devices",
            Self::VerifyToken => "verifying the token",
            Self::ListUserGroups => "listing User Groups",
            Self::GetUserGroup => "reading the User Group",
            Self::UpdateUserGroup => "updating the User Group",
            Self::ListMembers => "listing the User Group's members",
            Self::ListPermissionGroups => "listing permission groups",
            Self::ListResourceGroups => "listing resource groups",
        }
    }

    /// Whether the request changes something at the far end.
    #[must_use]
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

    /// The permission that the token needs (FACTS 5 and 6); none to verify itself.
    #[must_use]
    pub const fn permission(self) -> Option<&'static str> {
        match self {
            Self::ListGroups | Self::GetGroup | Self::CreateGroup | Self::UpdateGroup => {
                Some("Zero Trust Write")
            }
            Self::ListProfiles | Self::DefaultProfile | Self::ListDevices => Some("Zero Trust Read"),
            Self::ListUserGroups
            | Self::GetUserGroup
            | Self::ListMembers
            | Self::ListPermissionGroups
            | Self::ListResourceGroups => Some("Account Settings Read"),
            Self::UpdateUserGroup => Some("Account Settings Write"),
            Self::VerifyToken => None,
        }
    }
}
