using System.Collections.Frozen;

namespace SpectralKD.Notebook.Documents.Html.Tex;

/// <summary>TeX's named symbols.</summary>
internal static class TexSymbols
{
    /// <summary>Set as identifiers (<c>mi</c>).</summary>
    public static FrozenDictionary<string, string> Identifiers { get; } = Table(
        "alpha α beta β gamma γ delta δ epsilon ϵ varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι kappa κ lambda λ mu μ nu ν xi ξ "
        + "pi π varpi ϖ rho ρ varrho ϱ sigma σ varsigma ς tau τ upsilon υ phi ϕ varphi φ chi χ psi ψ omega ω "
        + "Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Upsilon Υ Phi Φ Psi Ψ Omega Ω "
        + "infty ∞ partial ∂ nabla ∇ ell ℓ hbar ℏ imath ı jmath ȷ Re ℜ Im ℑ aleph ℵ emptyset ∅ varnothing ∅ top ⊤ bot ⊥ angle ∠ "
        + "ldots … dots … dotsc … vdots ⋮ ddots ⋱ degree ° checkmark ✓");

    /// <summary>Set as operators (<c>mo</c>).</summary>
    public static FrozenDictionary<string, string> Operators { get; } = Table(
        "cdot ⋅ times × div ÷ pm ± mp ∓ ast ∗ star ⋆ circ ∘ bullet ∙ odot ⊙ oplus ⊕ otimes ⊗ ominus ⊖ wedge ∧ vee ∨ land ∧ lor ∨ cap ∩ cup ∪ "
        + "setminus ∖ leq ≤ le ≤ geq ≥ ge ≥ neq ≠ ne ≠ ll ≪ gg ≫ approx ≈ sim ∼ simeq ≃ cong ≅ equiv ≡ propto ∝ doteq ≐ prec ≺ succ ≻ "
        + "in ∈ ni ∋ notin ∉ subset ⊂ supset ⊃ subseteq ⊆ supseteq ⊇ mid ∣ parallel ∥ perp ⊥ vdash ⊢ models ⊨ colon : "
        + "to → rightarrow → leftarrow ← leftrightarrow ↔ Rightarrow ⇒ Leftarrow ⇐ Leftrightarrow ⇔ implies ⟹ iff ⟺ mapsto ↦ "
        + "longrightarrow ⟶ longleftarrow ⟵ uparrow ↑ downarrow ↓ hookrightarrow ↪ gets ← "
        + "forall ∀ exists ∃ neg ¬ lnot ¬ therefore ∴ because ∵ cdots ⋯ dotsb ⋯ dotsm ⋯ prime ′ triangleq ≜ coloneqq ≔ lesssim ≲ gtrsim ≳");

    /// <summary>Large operators; the value says whether their bounds stand above and below.</summary>
    public static FrozenDictionary<string, (string Symbol, bool HasLimits)> Large { get; } = new Dictionary<string, (string, bool)>
    {
        ["sum"] = ("∑", true),
        ["prod"] = ("∏", true),
        ["coprod"] = ("∐", true),
        ["bigcup"] = ("⋃", true),
        ["bigcap"] = ("⋂", true),
        ["bigoplus"] = ("⨁", true),
        ["bigotimes"] = ("⨂", true),
        ["bigodot"] = ("⨀", true),
        ["bigvee"] = ("⋁", true),
        ["bigwedge"] = ("⋀", true),
        ["int"] = ("∫", false),
        ["iint"] = ("∬", false),
        ["iiint"] = ("∭", false),
        ["oint"] = ("∮", false),
    }.ToFrozenDictionary();

    /// <summary>Named functions; the value says whether a subscript stands below.</summary>
    public static FrozenDictionary<string, bool> Functions { get; } = new[]
    {
        "sin cos tan cot sec csc sinh cosh tanh arcsin arccos arctan log ln lg exp dim ker deg hom arg:False",
        "lim max min sup inf argmax argmin limsup liminf det gcd Pr:True",
    }.SelectMany(line => line.Split(':')[0].Split(' ').Select(name => (name, line.EndsWith("True", StringComparison.Ordinal))))
        .ToFrozenDictionary(item => item.name, item => item.Item2);

    /// <summary>Delimiters, also after <c>\left</c> and <c>\right</c>.</summary>
    public static FrozenDictionary<string, string> Delimiters { get; } = Table(
        "lbrace { rbrace } { { } } | ‖ Vert ‖ lVert ‖ rVert ‖ vert | lvert | rvert | langle ⟨ rangle ⟩ lfloor ⌊ rfloor ⌋ lceil ⌈ rceil ⌉ "
        + "lbrack [ rbrack ] backslash \\");

    /// <summary>Accents; what stretches over its base.</summary>
    public static FrozenDictionary<string, string> Accents { get; } = Table(
        "hat ^ widehat ^ bar ¯ overline ¯ tilde ~ widetilde ~ vec → overrightarrow → dot ˙ ddot ¨ check ˇ breve ˘");

    /// <summary>Spaces in em.</summary>
    public static FrozenDictionary<string, string> Spaces { get; } = Table(
        ", 0.167 : 0.222 > 0.222 ; 0.278 ! -0.167 quad 1 qquad 2 thinspace 0.167 enspace 0.5");

    private static FrozenDictionary<string, string> Table(string pairs)
    {
        var words = pairs.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Chunk(2).ToFrozenDictionary(pair => pair[0], pair => pair[1]);
    }
}
