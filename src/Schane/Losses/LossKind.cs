namespace Schane.Losses;

/// <summary>The contrastive term of the joint objective.</summary>
public enum LossKind
{
    /// <summary>None: cross-entropy alone.</summary>
    Ce,

    /// <summary>Supervised contrastive loss (Khosla et al. 2020, arXiv:2004.11362): SCHaNe with β = 0.</summary>
    SupCon,

    /// <summary>NT-Xent (Chen et al. 2020, arXiv:2002.05709): the positives are the views of the same image.</summary>
    SimClr,

    /// <summary>Contrastive learning with hard negatives, without labels (Robinson et al. 2021, arXiv:2010.04592).</summary>
    Hcl,

    /// <summary>Supervised contrastive loss with hard negatives (arXiv:2308.14893, arXiv:2402.14551).</summary>
    Schane,

    /// <summary>Triplet margin loss on the hardest triplets of the batch (Hermans et al. 2017, arXiv:1703.07737).</summary>
    Triplet,
}

/// <summary>Where the mean over an anchor's positives stands.</summary>
public enum Placement
{
    /// <summary>Outside the log: the mean of logs, SupCon's L_out.</summary>
    Outside,

    /// <summary>Inside the log: the log of the mean.</summary>
    Inside,
}
