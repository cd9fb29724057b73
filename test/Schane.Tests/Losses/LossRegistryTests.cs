using Schane.Losses;
using Schane.Recipes;
using Schane.Tests.Data;
using Schane.Tests.Samples;
using Schane.Tests.Support;
using static TorchSharp.torch;

namespace Schane.Tests.Losses;

public class LossRegistryTests
{
    // A loss from outside the library: one setting that recipes know and one that is its own.
    private sealed record Pull : ContrastiveLoss
    {
        public override string Name => "pull";
        public double Margin { get; init; } = 0.7;
        public int Power { get; init; } = 2;

        public override Tensor Compute(Tensor embeddings, Tensor labels)
        {
            using var scope = NewDisposeScope();
            var cosine = embeddings.matmul(embeddings.t());
            return ((Margin - cosine).pow(Power) * (labels.unsqueeze(0) == labels.unsqueeze(1))).mean().MoveToOuterDisposeScope();
        }
    }

    private sealed record Rows : ContrastiveLoss
    {
        public override string Name => "rows";
        public override Tensor Compute(Tensor embeddings, Tensor labels) => embeddings.sum(1);
    }

    private sealed record Impostor : ContrastiveLoss
    {
        public override string Name => "schane";
        public override Tensor Compute(Tensor embeddings, Tensor labels) => embeddings.sum();
    }

    [Fact]
    public void An_unknown_name_is_one_sentence_with_the_nearest_names()
    {
        Assert.Equal("There is no loss 'scahne' (did you mean 'schane'?); there are ce, supcon, simclr, hcl, schane, triplet, and " +
            "LossRegistry.Register adds one.",
            Assert.Throws<SchaneException>(() => LossRegistry.Find("scahne")).Message);
        Assert.Equal(
            "r.yaml line 1: loss must be one of ce, supcon, simclr, hcl, schane, triplet but is 'tripplet' (did you mean 'triplet'?).",
            Assert.Throws<SchaneException>(() => RecipeFile.Parse("loss: tripplet", "r.yaml")).Message);
        Assert.IsType<SchaneLoss>(LossRegistry.Find("SCHaNe"));
    }

    [Fact]
    public void The_name_of_another_loss_is_refused_when_it_is_registered_and_when_it_is_trained()
    {
        Assert.Contains("SchaneLoss already", Assert.Throws<ArgumentException>(() => LossRegistry.Register(new Impostor())).Message);
        Assert.Contains("SchaneLoss already", Assert.ThrowsAny<Exception>(() => new Recipe { Loss = new Impostor() }.Objective()).Message);
        LossRegistry.Register(new SchaneLoss());
        Assert.Equal(6, LossRegistry.All.Count);
    }

    [Fact]
    public void A_recipe_gives_a_loss_from_outside_its_settings_and_keeps_them_in_its_file()
    {
        var recipe = new Recipe { Loss = new Pull { Power = 4 }, Margin = 0.3 };
        Assert.Equal(new Pull { Margin = 0.3, Power = 4 }, recipe.Objective().Loss);
        Assert.Equal(new Pull { Margin = 0.7, Power = 4 }, (recipe with { Margin = null }).Objective().Loss);
        var again = RecipeFile.Parse(RecipeFile.Write(recipe), "r.yaml", new Pull());
        Assert.Equal(new Pull { Margin = 0.3, Power = 4 }, again.Objective().Loss);
        Assert.Contains("there is no setting 'power'",
            Assert.Throws<SchaneException>(() => RecipeFile.Parse("loss: schane\npower: 4", "r.yaml")).Message);
    }

    [Fact]
    public void What_a_loss_object_says_of_the_library_s_own_settings_is_kept_in_the_file()
    {
        var text = RecipeFile.Write(new Recipe { Loss = new SchaneLoss { Temperature = 0.3, Placement = Placement.Inside } });
        Assert.Contains("loss: schane\nplacement: inside\ntemperature: 0.3\n", text);
        Assert.Equal(new SchaneLoss { Temperature = 0.3, Placement = Placement.Inside }, RecipeFile.Parse(text, "r.yaml").Objective().Loss);
    }

    [Fact]
    public void A_recipe_in_use_has_the_settings_of_its_loss_and_no_others()
    {
        var triplet = new Recipe { Loss = new TripletLoss() }.WithTerm(scratch: true);
        Assert.Equal((0.2, null, null, null), (triplet.Margin, triplet.Temperature, triplet.TauPlus, triplet.Placement));
        var schane = new Recipe().WithTerm(scratch: true);
        Assert.Equal((0.2, 1.0, Placement.Outside, false, null),
            (schane.Temperature, schane.Beta, schane.Placement, schane.DetachWeights, schane.Margin));
        Assert.Equal(0.5, new Recipe { Loss = new SchaneLoss { Temperature = 0.5 } }.WithTerm(scratch: true).Temperature);
    }

    [Fact]
    public void The_parts_of_a_loss_from_outside_add_up_over_ranks_and_its_gradient_is_its_own()
    {
        using var scope = NewDisposeScope();
        var (z, y) = (Some.Rows(6, 5), tensor([0L, 0, 1, 1, 2, 2]));
        var leaf = z.detach().requires_grad_();
        var value = new Pull().Compute(leaf, y);
        value.backward();
        var objective = new JointObjective(new() { Loss = new Pull(), Lambda = 1 });
        using var first = objective.ComputeShare(new(0, 2), z, null, y);
        using var rest = objective.ComputeShare(new(2, 4), z, null, y);
        Assert.Equal(value.item<double>(), first.Contrastive + rest.Contrastive, 1e-12);
        Assert.True((leaf.grad! - first.EmbeddingGradient! - rest.EmbeddingGradient!).abs().max().item<double>() < 1e-12);
    }

    [Fact]
    public void A_loss_that_does_not_return_one_number_is_told_so() =>
        Assert.Contains("The loss rows must return one number", Assert.Throws<InvalidOperationException>(
            () =>
                new JointObjective(new() { Loss = new Rows(), Lambda = 1 }).Compute(Some.Rows(4, 3), null, tensor([0L, 0, 1, 1]))).Message);

    [Fact]
    public void A_run_of_a_loss_that_the_program_lacks_can_be_read_and_not_trained()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("recipe.yaml", System.Text.Encoding.UTF8.GetBytes("loss: schanne\npower: 4\nsteps: 3\n"));
        var recipe = RecipeFile.LoadRun(path);
        Assert.Equal((3, "schanne"), (recipe.Steps, recipe.Loss.Name));
        var refused = Assert.Throws<SchaneException>(() => recipe.Objective()).Message;
        Assert.Contains("did you mean 'schane'", refused);
        Assert.Contains("LossRegistry.Register", refused);
        Assert.Throws<SchaneException>(() => RecipeFile.Load(path));
    }

    [Fact]
    public void The_loss_of_the_cookbook_is_the_mean_over_pairs_worked_out_by_hand()
    {
        // Unit rows at 0°, 60°, 90°; 0 and 1 of one class. Positive pair: 1 − 1/2; negatives: cosines 0 and
        // √3/2, twice each, less the margin.
        var rows = tensor([1.0, 0, 0.5, Math.Sqrt(0.75), 0, 1], [3, 2]);
        var loss = new Cookbook.Losses.MarginPairLoss { Margin = 0.5 };
        Assert.Equal(0.5 + (Math.Sqrt(0.75) - 0.5) / 2, loss.Compute(rows * 3, tensor([0L, 0, 1])).item<double>(), 1e-12);
        Assert.True(double.IsNaN(loss.Compute(rows, tensor([0L, 1, 2])).item<double>()));
    }
}
