namespace Schane.Evaluation.Episodes;

/// <summary>How an episode's queries are classified from its support.</summary>
internal enum FewShotClassifier
{
    /// <summary>Nearest class mean by cosine: rows to unit length, mean of each class to unit length.</summary>
    CosineCentroid,

    /// <summary>Nearest support row by cosine.</summary>
    CosineNeighbour,

    /// <summary>Nearest class mean by Euclidean distance of the embeddings as they are (Snell et al. 2017, arXiv:1703.05175).</summary>
    EuclideanCentroid,

    /// <summary>Nearest support row by Euclidean distance of the embeddings as they are.</summary>
    EuclideanNeighbour,

    /// <summary>
    /// <see cref="CosineCentroid"/> whose class means are then moved by the episode's queries, each by how much it seems to be of the class
    /// (soft k-means, Ren et al. 2018, arXiv:1803.00676). Transductive: the queries of an episode are seen together, so its figures are not
    /// to be compared with the others'.
    /// </summary>
    TransductiveCentroid,

    /// <summary>Logistic regression on rows of unit length, penalty ½‖W‖² against the summed cross-entropy (Tian et al.
    /// 2020, arXiv:2003.11539).</summary>
    LogisticRegression,
}
