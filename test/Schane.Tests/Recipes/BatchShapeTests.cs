using Schane.Recipes;

namespace Schane.Tests.Recipes;

public class BatchShapeTests
{
    [Theory]
    [InlineData(1000, 64, 4, 300, "batch 1000 is not classes-per-batch 64 × images-per-class 4 = 256; leave one of the three out.")]
    [InlineData(30, null, 4, 300,
        "batch 30 is not a whole number of classes with images-per-class 4 each; change one of them, or take --sampler shuffled.")]
    [InlineData(1024, null, 4, 40, "batch 1024 needs 256 classes with images-per-class 4 each, but the data have 40; raise " +
        "--images-per-class, lower --batch, or take --sampler shuffled.")]
    public void A_balanced_batch_that_does_not_multiply_is_refused(int batch, int? classes, int images, int there, string sentence) =>
        Assert.Equal(sentence, Assert.Throws<SchaneException>(() =>
            BatchShape.ClassesPerBatch(new Recipe { Batch = batch, ClassesPerBatch = classes, ImagesPerClass = images }, there)).Message);

    [Theory]
    [InlineData(1000, 32, 1,
        "A batch of 1000 images = 1000 is not micro-batch 32 × a whole number; use --micro-batch 25, or a batch that 32 divides.")]
    [InlineData(32, 24, 2,
        "A batch of 32 images × 2 views = 64 is not micro-batch 24 × a whole number; use --micro-batch 16, or a batch that 24 divides.")]
    public void Micro_batches_that_do_not_divide_the_batch_are_refused_with_a_number_that_does(int images, int micro,
        int views, string sentence) =>
        Assert.Equal(sentence,
            Assert.Throws<SchaneException>(() => BatchShape.Check(new Recipe { MicroBatch = micro, Views = views }, images)).Message);

    [Theory]
    [InlineData(false, null, 1, 0, 3, 3, 4, "A batch of 3 images is too few for 4 ranks; make batches larger, or start fewer ranks.")]
    [InlineData(false, null, 1, 0.8, 56, 56, 5,
        "A batch of 56 images, 16 of which stay together to be mixed, is too few for 5 ranks; make batches larger, or start fewer ranks.")]
    [InlineData(true, 16, 1, 0, 32, 32, 3, "A batch of 32 images, 16 of which stay together to be accumulated, is too few for 3 ranks; " +
        "make batches larger, micro-batches smaller, or start fewer ranks.")]
    [InlineData(true, 16, 2, 0, 32, 32, 2, "accumulate cuts the views of images into micro-batches, which 2 ranks would cut otherwise " +
        "than one; leave out --accumulate, so that every anchor sees the whole batch, or take one view.")]
    public void What_several_ranks_can_not_share_out_is_refused(bool accumulate, int? micro, int views, double mixup, int images,
        int last, int ranks, string sentence)
    {
        var recipe = new Recipe { Accumulate = accumulate, MicroBatch = micro, Views = views, Mixup = mixup };
        Assert.Equal(sentence, Assert.Throws<SchaneException>(() =>
            BatchShape.CheckRanks(recipe, images, last, ranks, BatchShape.ShareUnit(recipe, 10))).Message);
        BatchShape.CheckRanks(recipe, images, last, 1, BatchShape.ShareUnit(recipe, 10));
    }

    [Theory]
    [InlineData(32, 40, 40, 1, "sync-batchnorm normalises a batch as a whole, but micro-batch 32 lets its 40 images pass the model one " +
        "part after the other; leave out one of the two, or start more ranks.")]
    [InlineData(null, 40, 1, 2, "sync-batchnorm needs every rank in every batch, but the last of an epoch has 1 images, too few for 2 " +
        "ranks; take --sampler balanced or another batch, or start fewer ranks.")]
    public void Batch_norm_over_ranks_is_refused_where_a_rank_would_pass_its_rows_in_parts_or_have_none(int? micro, int images,
        int last, int ranks, string sentence)
    {
        var recipe = new Recipe { SyncBatchnorm = true, MicroBatch = micro };
        Assert.Equal(sentence, Assert.Throws<SchaneException>(() => BatchShape.CheckRanks(recipe, images, last, ranks, 1)).Message);
        BatchShape.CheckRanks(recipe, 40, 40, 2, 1);
    }

    [Fact]
    public void Ranks_cut_neither_groups_that_are_mixed_nor_micro_batches_that_are_accumulated()
    {
        Assert.Equal(1, BatchShape.ShareUnit(new Recipe { MicroBatch = 24 }, 10));
        Assert.Equal(16, BatchShape.ShareUnit(new Recipe { Mixup = 0.8 }, 10));
        Assert.Equal(24, BatchShape.ShareUnit(new Recipe { MicroBatch = 24, Accumulate = true }, 10));
        Assert.Equal(48, BatchShape.ShareUnit(new Recipe { MicroBatch = 24, Accumulate = true, Mixup = 0.8 }, 10));
    }

    [Fact]
    public void A_batch_gives_its_classes_and_one_that_multiplies_is_let_pass()
    {
        Assert.Equal(256, BatchShape.ClassesPerBatch(new Recipe { Batch = 1024 }, 300));
        Assert.Equal(16, BatchShape.ClassesPerBatch(new Recipe(), 300));
        Assert.Equal(10, BatchShape.ClassesPerBatch(new Recipe(), 10));
        BatchShape.Check(new Recipe { MicroBatch = 32, Views = 2 }, 1024);
        BatchShape.Check(new Recipe { MicroBatch = 32 }, 20);                              // one pass
    }

    [Fact]
    public void Accumulation_without_micro_batches_is_refused() =>
        Assert.Contains("--micro-batch",
            Assert.Throws<SchaneException>(() => BatchShape.Check(new Recipe { Accumulate = true }, 20)).Message);
}
