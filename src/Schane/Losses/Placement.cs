namespace Schane.Losses;

/// <summary>Where the mean over an anchor's positives stands (Khosla et al. 2020, arXiv:2004.11362, eq. 2 and 3).</summary>
public enum Placement
{
    /// <summary>Outside the log: the mean of the positives' logs. SupCon's L_out, the default.</summary>
    Outside,

    /// <summary>Inside the log: the log of the positives' mean. SupCon's L_in.</summary>
    Inside,
}
