var dt=globalThis,Mt=e=>e,V=dt.trustedTypes,Nt=V?V.createPolicy("lit-html",{createHTML:e=>e}):void 0,ut="$lit$",b=`lit$${Math.random().toFixed(9).slice(2)}$`,pt="?"+b,ve=`<${pt}>`,x=document,I=()=>x.createComment(""),z=e=>e===null||typeof e!="object"&&typeof e!="function",$t=Array.isArray,Lt=e=>$t(e)||typeof e?.[Symbol.iterator]=="function",ht=`[ 	
\f\r]`,O=/<(?:(!--|\/[^a-zA-Z])|(\/?[a-zA-Z][^>\s]*)|(\/?$))/g,Tt=/-->/g,St=/>/g,_=RegExp(`>|${ht}(?:([^\\s"'>=/]+)(${ht}*=${ht}*(?:[^ 	
\f\r"'\`<>=]|("|')|))|$)`,"g"),Pt=/'/g,Ct=/"/g,Et=/^(?:script|style|textarea|title)$/i,ft=e=>(t,...s)=>({_$litType$:e,strings:t,values:s}),o=ft(1),w=ft(2),xs=ft(3),M=Symbol.for("lit-noChange"),h=Symbol.for("lit-nothing"),Ht=new WeakMap,k=x.createTreeWalker(x,129);function Ot(e,t){if(!$t(e)||!e.hasOwnProperty("raw"))throw Error("invalid template strings array");return Nt!==void 0?Nt.createHTML(t):t}var It=(e,t)=>{let s=e.length-1,n=[],i,r=t===2?"<svg>":t===3?"<math>":"",a=O;for(let l=0;l<s;l++){let c=e[l],u,d,p=-1,m=0;for(;m<c.length&&(a.lastIndex=m,d=a.exec(c),d!==null);)m=a.lastIndex,a===O?d[1]==="!--"?a=Tt:d[1]!==void 0?a=St:d[2]!==void 0?(Et.test(d[2])&&(i=RegExp("</"+d[2],"g")),a=_):d[3]!==void 0&&(a=_):a===_?d[0]===">"?(a=i??O,p=-1):d[1]===void 0?p=-2:(p=a.lastIndex-d[2].length,u=d[1],a=d[3]===void 0?_:d[3]==='"'?Ct:Pt):a===Ct||a===Pt?a=_:a===Tt||a===St?a=O:(a=_,i=void 0);let g=a===_&&e[l+1].startsWith("/>")?" ":"";r+=a===O?c+ve:p>=0?(n.push(u),c.slice(0,p)+ut+c.slice(p)+b+g):c+b+(p===-2?l:g)}return[Ot(e,r+(e[s]||"<?>")+(t===2?"</svg>":t===3?"</math>":"")),n]},q=class e{constructor({strings:t,_$litType$:s},n){let i;this.parts=[];let r=0,a=0,l=t.length-1,c=this.parts,[u,d]=It(t,s);if(this.el=e.createElement(u,n),k.currentNode=this.el.content,s===2||s===3){let p=this.el.content.firstChild;p.replaceWith(...p.childNodes)}for(;(i=k.nextNode())!==null&&c.length<l;){if(i.nodeType===1){if(i.hasAttributes())for(let p of i.getAttributeNames())if(p.endsWith(ut)){let m=d[a++],g=i.getAttribute(p).split(b),f=/([.?@])?(.*)/.exec(m);c.push({type:1,index:r,name:f[2],strings:g,ctor:f[1]==="."?K:f[1]==="?"?G:f[1]==="@"?Z:T}),i.removeAttribute(p)}else p.startsWith(b)&&(c.push({type:6,index:r}),i.removeAttribute(p));if(Et.test(i.tagName)){let p=i.textContent.split(b),m=p.length-1;if(m>0){i.textContent=V?V.emptyScript:"";for(let g=0;g<m;g++)i.append(p[g],I()),k.nextNode(),c.push({type:2,index:++r});i.append(p[m],I())}}}else if(i.nodeType===8)if(i.data===pt)c.push({type:2,index:r});else{let p=-1;for(;(p=i.data.indexOf(b,p+1))!==-1;)c.push({type:7,index:r}),p+=b.length-1}r++}}static createElement(t,s){let n=x.createElement("template");return n.innerHTML=t,n}};function N(e,t,s=e,n){if(t===M)return t;let i=n!==void 0?s._$Co?.[n]:s._$Cl,r=z(t)?void 0:t._$litDirective$;return i?.constructor!==r&&(i?._$AO?.(!1),r===void 0?i=void 0:(i=new r(e),i._$AT(e,s,n)),n!==void 0?(s._$Co??=[])[n]=i:s._$Cl=i),i!==void 0&&(t=N(e,i._$AS(e,t.values),i,n)),t}var J=class{constructor(t,s){this._$AV=[],this._$AN=void 0,this._$AD=t,this._$AM=s}get parentNode(){return this._$AM.parentNode}get _$AU(){return this._$AM._$AU}u(t){let{el:{content:s},parts:n}=this._$AD,i=(t?.creationScope??x).importNode(s,!0);k.currentNode=i;let r=k.nextNode(),a=0,l=0,c=n[0];for(;c!==void 0;){if(a===c.index){let u;c.type===2?u=new P(r,r.nextSibling,this,t):c.type===1?u=new c.ctor(r,c.name,c.strings,this,t):c.type===6&&(u=new Q(r,this,t)),this._$AV.push(u),c=n[++l]}a!==c?.index&&(r=k.nextNode(),a++)}return k.currentNode=x,i}p(t){let s=0;for(let n of this._$AV)n!==void 0&&(n.strings!==void 0?(n._$AI(t,n,s),s+=n.strings.length-2):n._$AI(t[s])),s++}},P=class e{get _$AU(){return this._$AM?._$AU??this._$Cv}constructor(t,s,n,i){this.type=2,this._$AH=h,this._$AN=void 0,this._$AA=t,this._$AB=s,this._$AM=n,this.options=i,this._$Cv=i?.isConnected??!0}get parentNode(){let t=this._$AA.parentNode,s=this._$AM;return s!==void 0&&t?.nodeType===11&&(t=s.parentNode),t}get startNode(){return this._$AA}get endNode(){return this._$AB}_$AI(t,s=this){t=N(this,t,s),z(t)?t===h||t==null||t===""?(this._$AH!==h&&this._$AR(),this._$AH=h):t!==this._$AH&&t!==M&&this._(t):t._$litType$!==void 0?this.$(t):t.nodeType!==void 0?this.T(t):Lt(t)?this.k(t):this._(t)}O(t){return this._$AA.parentNode.insertBefore(t,this._$AB)}T(t){this._$AH!==t&&(this._$AR(),this._$AH=this.O(t))}_(t){this._$AH!==h&&z(this._$AH)?this._$AA.nextSibling.data=t:this.T(x.createTextNode(t)),this._$AH=t}$(t){let{values:s,_$litType$:n}=t,i=typeof n=="number"?this._$AC(t):(n.el===void 0&&(n.el=q.createElement(Ot(n.h,n.h[0]),this.options)),n);if(this._$AH?._$AD===i)this._$AH.p(s);else{let r=new J(i,this),a=r.u(this.options);r.p(s),this.T(a),this._$AH=r}}_$AC(t){let s=Ht.get(t.strings);return s===void 0&&Ht.set(t.strings,s=new q(t)),s}k(t){$t(this._$AH)||(this._$AH=[],this._$AR());let s=this._$AH,n,i=0;for(let r of t)i===s.length?s.push(n=new e(this.O(I()),this.O(I()),this,this.options)):n=s[i],n._$AI(r),i++;i<s.length&&(this._$AR(n&&n._$AB.nextSibling,i),s.length=i)}_$AR(t=this._$AA.nextSibling,s){for(this._$AP?.(!1,!0,s);t!==this._$AB;){let n=Mt(t).nextSibling;Mt(t).remove(),t=n}}setConnected(t){this._$AM===void 0&&(this._$Cv=t,this._$AP?.(t))}},T=class{get tagName(){return this.element.tagName}get _$AU(){return this._$AM._$AU}constructor(t,s,n,i,r){this.type=1,this._$AH=h,this._$AN=void 0,this.element=t,this.name=s,this._$AM=i,this.options=r,n.length>2||n[0]!==""||n[1]!==""?(this._$AH=Array(n.length-1).fill(new String),this.strings=n):this._$AH=h}_$AI(t,s=this,n,i){let r=this.strings,a=!1;if(r===void 0)t=N(this,t,s,0),a=!z(t)||t!==this._$AH&&t!==M,a&&(this._$AH=t);else{let l=t,c,u;for(t=r[0],c=0;c<r.length-1;c++)u=N(this,l[n+c],s,c),u===M&&(u=this._$AH[c]),a||=!z(u)||u!==this._$AH[c],u===h?t=h:t!==h&&(t+=(u??"")+r[c+1]),this._$AH[c]=u}a&&!i&&this.j(t)}j(t){t===h?this.element.removeAttribute(this.name):this.element.setAttribute(this.name,t??"")}},K=class extends T{constructor(){super(...arguments),this.type=3}j(t){this.element[this.name]=t===h?void 0:t}},G=class extends T{constructor(){super(...arguments),this.type=4}j(t){this.element.toggleAttribute(this.name,!!t&&t!==h)}},Z=class extends T{constructor(t,s,n,i,r){super(t,s,n,i,r),this.type=5}_$AI(t,s=this){if((t=N(this,t,s,0)??h)===M)return;let n=this._$AH,i=t===h&&n!==h||t.capture!==n.capture||t.once!==n.once||t.passive!==n.passive,r=t!==h&&(n===h||i);i&&this.element.removeEventListener(this.name,this,n),r&&this.element.addEventListener(this.name,this,t),this._$AH=t}handleEvent(t){typeof this._$AH=="function"?this._$AH.call(this.options?.host??this.element,t):this._$AH.handleEvent(t)}},Q=class{constructor(t,s,n){this.element=t,this.type=6,this._$AN=void 0,this._$AM=s,this.options=n}get _$AU(){return this._$AM._$AU}_$AI(t){N(this,t)}},zt={M:ut,P:b,A:pt,C:1,L:It,R:J,D:Lt,V:N,I:P,H:T,N:G,U:Z,B:K,F:Q},Ae=dt.litHtmlPolyfillSupport;Ae?.(q,P),(dt.litHtmlVersions??=[]).push("3.3.3");var qt=(e,t,s)=>{let n=s?.renderBefore??t,i=n._$litPart$;if(i===void 0){let r=s?.renderBefore??null;n._$litPart$=i=new P(t.insertBefore(I(),r),r,void 0,s??{})}return i._$AI(e),i};function Y(e){let t=new URLSearchParams(e.replace(/^#/,"")),s={},n=u=>{let d=t.get(u)??"";return/^\d{1,12}$/.test(d)?Number(d):void 0},i=n("focus"),r=n("step");i!==void 0&&(s.focus=i),r!==void 0&&(s.step=r);let a=t.get("entry");a&&(s.entry=a.replaceAll(",",", ").replaceAll(",  ",", "));let l=(t.get("plane")??"").split(",");l.length===2&&l.every(u=>/^\d{1,6}$/.test(u))&&(s.plane=[Number(l[0]),Number(l[1])]),t.get("order")==="row"&&(s.order="row"),t.has("projector")&&(s.projector=!0);let c=t.get("theme");return(c==="light"||c==="dark")&&(s.theme=c),s}function Dt(e,t){let s=[];return t!==void 0&&s.push(`step=${t}`),e.focus!==null&&s.push(`focus=${e.focus}`),e.entry&&s.push(`entry=${encodeURIComponent(e.entry.replaceAll(" ",""))}`),e.plane&&s.push(`plane=${e.plane.join(",")}`),e.order!=="loss"&&s.push(`order=${e.order}`),e.projector&&s.push("projector"),e.theme!=="auto"&&s.push(`theme=${e.theme}`),s.length?`#${s.join("&")}`:""}var Bt=[["Space","play, pause"],[". and ,","one step on, one back"],["/","find a node or an entry"],["← → ↑ ↓","walk the graph's edges; up and down change the lane"],["n and m","next sample, the batch"],["h","one phase on: forward, loss, backward, update"],["g","check the gradients"],["q","a question"],["p","projector"],["?","this list"]];function Wt(e){(e.keepsAddress?document:e.root).addEventListener("keydown",s=>{let n=s,i=n.target;if(n.ctrlKey||n.metaKey||n.altKey||be(i))return;let r=_e[n.key];!r||!e.scene||n.key===" "&&i.closest("button, a, summary, [role=button]")||n.key.startsWith("Arrow")&&i.closest("[role=grid], [role=tablist], input, select")||(n.preventDefault(),r(e))})}function be(e){return e.matches("input:not([type=range]), textarea, select, [contenteditable]")}var _e={" ":e=>e.togglePlay(),".":e=>e.command("step"),",":e=>e.command("back"),"/":e=>e.root.querySelector("#find")?.focus(),h:e=>e.command("phase"),g:e=>e.runCheck(),m:e=>e.look({focus:null}),n:e=>e.look({focus:((e.view.focus??-1)+1)%e.scene.rows}),p:e=>e.look({projector:!e.view.projector}),q:e=>Rt(e,"quiz"),"?":e=>Rt(e,"keys"),ArrowRight:e=>jt(e,1),ArrowLeft:e=>jt(e,-1),ArrowUp:e=>Ut(e,!1),ArrowDown:e=>Ut(e,!0)};function Rt(e,t){e.openPanel=e.openPanel===t?"":t,e.draw()}function jt(e,t){let s=e.scene.nodes,n=e.view.entry?.replace(/\[.*$/,"")??"",i=!s.some(c=>c.name===n)&&n.startsWith("d"),r=i?n.slice(1):n,a=s.find(c=>c.name===r),l=a?t>0?s.find(c=>c.inputs.includes(r))?.name:a.inputs[0]:s[0]?.name;l&&e.select(i?`d${l}`:l)}function Ut(e,t){let s=e.view.entry;if(!s)return;!e.scene.nodes.some(i=>i.name===s.replace(/\[.*$/,""))!==t&&e.select(t?`d${s}`:s.slice(1))}var mt="−";function v(e,t=4){if(e==null)return"";if(Number.isNaN(e))return"NaN";if(!Number.isFinite(e))return e>0?"∞":`${mt}∞`;let s=Math.abs(e),n;if(s!==0&&(s<.001||s>=1e6)){let[i,r]=s.toExponential(t-1).split("e");n=`${i}e${r.replace("+","").replace("-",mt)}`}else n=s.toPrecision(t),n.includes("e")&&(n=String(Number(n)));return e<0||Object.is(e,-0)?mt+n:n}function $(e,t,s=4){return e==null?"":o`<span class="number" data-of=${t} data-exact=${String(e)} title=${String(e)}>${v(e,s)}</span>`}function A(e){return e.toLocaleString("en-US").replaceAll(","," ")}function D(e){return e.length?`(${e.join(", ")}${e.length===1?",":""})`:"scalar"}var ke={forward:"forward",loss:"loss",backward:"backward",update:"update"};function Ft(e){let{state:t,scene:s}=e;return o`
    <header>
      <div class="title">
        <h1>chainrule board</h1>
        <p>${s.title} · ${Ne(s)} · ${A(s.parameters)} parameters</p>
      </div>
      ${e.readOnly?h:Te(e)}
      <dl class="measures">
        <div><dt>step</dt><dd data-of="step" data-exact=${t.step}>${A(t.step)}</dd></div>
        <div><dt>loss</dt><dd>${$(e.answers.frame?.loss,"loss")}</dd></div>
        <div><dt>accuracy</dt><dd>${$(e.answers.samples?.accuracy,"accuracy",3)}</dd></div>
      </dl>
      <div class="tools">
        <button type="button" aria-pressed=${e.view.projector} @click=${()=>e.look({projector:!e.view.projector})}>Projector</button>
        <button type="button" aria-label="Theme: ${e.view.theme}" @click=${()=>e.look({theme:Me(e.view.theme)})}>${xe[e.view.theme]}</button>
        ${e.readOnly?h:Pe(e)}
      </div>
      ${Ce(e)} ${e.openPanel==="keys"?He():h}
    </header>
  `}var xe={auto:"Auto",light:"Light",dark:"Dark"};function Me(e){return e==="auto"?"light":e==="light"?"dark":"auto"}function Ne(e){return[e.columns,...e.network.hidden_layer_sizes,e.classes.length].join("–")}function Te(e){let{state:t}=e;return o`
    <div class="controls" role="group" aria-label="Run">
      <button type="button" class="main" @click=${()=>e.togglePlay()}>${t.playing?"Pause":"Play"}</button>
      <button type="button" @click=${()=>e.command("back")} ?disabled=${t.step===0&&t.phase==="forward"}>Back</button>
      <button type="button" @click=${()=>e.command("step")}>Step</button>
      <button type="button" @click=${()=>e.command("step",{count:100})}>100 steps</button>
      <button type="button" @click=${()=>e.command("reset")} ?disabled=${t.step===0}>To the start</button>
      <label class="rate">pace
        <select @change=${s=>Se(e,s.target.value)}>
          <option value="" ?selected=${e.pace===null}>as fast as it goes</option>
          ${[1,4,20,100].map(s=>o`<option value=${s} ?selected=${e.pace===s}>${s} a second</option>`)}
        </select>
      </label>
    </div>
    <ol class="phases" aria-label="Phases of step ${t.step+1}">
      ${e.scene.phases.map(s=>o`
          <li aria-current=${s===t.phase?"step":h}>${ke[s]}</li>
        `)}
      <li><button type="button" @click=${()=>e.command("phase")}>Next phase</button></li>
    </ol>
  `}function Se(e,t){e.pace=t?Number(t):null,e.state.playing&&e.command("play",{rate:e.pace})}function Pe(e){return["network","quiz","keys"].map(t=>o`
      <button type="button" aria-expanded=${e.openPanel===t} @click=${()=>{e.openPanel=e.openPanel===t?"":t,e.draw()}}>${{network:"Network",quiz:"Quiz",keys:"Keys"}[t]}</button>
    `)}function Ce(e){let t=[];return e.connected||t.push(e.waitingText()),e.state.stopped_at!==null&&t.push(`Step ${e.state.stopped_at+1}: the loss is no longer a number. The run has stopped before it.`),e.message&&t.push(e.message),o`<div class="notices" role="status" aria-live="polite">${t.map(s=>o`<p>${s}</p>`)}</div>`}function He(){return o`
    <section class="keys" aria-label="Keys">
      <dl>${Bt.map(([e,t])=>o`<div><dt><kbd>${e}</kbd></dt><dd>${t}</dd></div>`)}</dl>
    </section>
  `}var X={ATTRIBUTE:1,CHILD:2,PROPERTY:3,BOOLEAN_ATTRIBUTE:4,EVENT:5,ELEMENT:6},H=e=>(...t)=>({_$litDirective$:e,values:t}),C=class{constructor(t){}get _$AU(){return this._$AM._$AU}_$AT(t,s,n){this._$Ct=t,this._$AM=s,this._$Ci=n}_$AS(t,s){return this.update(t,s)}update(t,s){return this.render(...s)}};var{I:zs}=zt;var Vt=e=>e.strings===void 0;var R=(e,t)=>{let s=e._$AN;if(s===void 0)return!1;for(let n of s)n._$AO?.(t,!1),R(n,t);return!0},tt=e=>{let t,s;do{if((t=e._$AM)===void 0)break;s=t._$AN,s.delete(e),e=t}while(s?.size===0)},Jt=e=>{for(let t;t=e._$AM;e=t){let s=t._$AN;if(s===void 0)t._$AN=s=new Set;else if(s.has(e))break;s.add(e),Oe(t)}};function Le(e){this._$AN!==void 0?(tt(this),this._$AM=e,Jt(this)):this._$AM=e}function Ee(e,t=!1,s=0){let n=this._$AH,i=this._$AN;if(i!==void 0&&i.size!==0)if(t)if(Array.isArray(n))for(let r=s;r<n.length;r++)R(n[r],!1),tt(n[r]);else n!=null&&(R(n,!1),tt(n));else R(this,e)}var Oe=e=>{e.type==X.CHILD&&(e._$AP??=Ee,e._$AQ??=Le)},j=class extends C{constructor(){super(...arguments),this._$AN=void 0}_$AT(t,s,n){super._$AT(t,s,n),Jt(this),this.isConnected=t._$AU}_$AO(t,s=!0){t!==this.isConnected&&(this.isConnected=t,t?this.reconnected?.():this.disconnected?.()),s&&(R(this,t),tt(this))}setValue(t){if(Vt(this._$Ct))this._$Ct._$AI(t,this);else{let s=[...this._$Ct._$AH];s[this._$Ci]=t,this._$Ct._$AI(s,this,0)}}disconnected(){}reconnected(){}};var Kt=["#0072b2","#d55e00","#009e73","#cc79a7","#b8860b","#56b4e9","#6a3d9a","#8c8c8c","#a6761d","#1b1b1b"],Gt=["circle","triangle","square","diamond","cross","star"];function U(e){return Kt[e%Kt.length]}function et(e){return Gt[e%Gt.length]}var Ie={light:{low:[194,84,8],zero:[250,250,248],high:[8,92,158],bad:[0,0,0]},dark:{low:[255,158,82],zero:[24,28,34],high:[96,178,255],bad:[255,255,255]}};function Zt(e,t){let s=Ie[t];if(!Number.isFinite(e))return s.bad;let n=e<0?s.low:s.high,i=Math.min(1,Math.abs(e))**.7;return s.zero.map((r,a)=>Math.round(r+(n[a]-r)*i))}var gt=class extends j{shown=[];update(t,[s,n]){let i=t.element;(n.length!==this.shown.length||n.some((r,a)=>r!==this.shown[a]))&&(this.shown=n,requestAnimationFrame(()=>s(i)))}render(){}},L=H(gt),yt=class extends j{update(t,[s]){for(let[n,i]of Object.entries(s))t.element.style.setProperty(n,i)}render(){}},B=H(yt);function wt(e){let t=window.devicePixelRatio||1,{clientWidth:s,clientHeight:n}=e;e.width!==Math.round(s*t)&&(e.width=Math.round(s*t)),e.height!==Math.round(n*t)&&(e.height=Math.round(n*t));let i=e.getContext("2d");return i.setTransform(t,0,0,t,0,0),i.clearRect(0,0,s,n),{context:i,width:s,height:n}}function nt(e){let[t,s,n]=(getComputedStyle(e).color.match(/[\d.]+/g)??["0","0","0"]).map(Number);return t+s+n>384?"dark":"light"}function Qt(e,t){return s=>{let[n,i]=e.shape;if(s.width=Math.max(1,i),s.height=Math.max(1,n),!n||!i)return;let r=nt(s),a=new ImageData(i,n);for(let l=0;l<n*i;++l){let c=e.data[l],[u,d,p]=Zt(t>0||!Number.isFinite(c)?c/(t||1):0,r);a.data.set([u,d,p,255],4*l)}s.getContext("2d").putImageData(a,0,0)}}function ze(e,t,s,n,i){e.beginPath(),t==="circle"?e.arc(s,n,i,0,2*Math.PI):t==="square"?e.rect(s-i*.9,n-i*.9,i*1.8,i*1.8):t==="triangle"?st(e,s,n+i*.2,i*1.25,3,-Math.PI/2):t==="diamond"?st(e,s,n,i*1.25,4,0):t==="star"?st(e,s,n,i*1.25,5,-Math.PI/2,.5):st(e,s,n,i*1.35,4,Math.PI/4,.4),e.fill(),e.stroke()}function st(e,t,s,n,i,r,a=0){let l=a?2*i:i;for(let c=0;c<l;++c){let u=a&&c%2?n*a:n,d=r+2*Math.PI*c/l;e.lineTo(t+u*Math.cos(d),s+u*Math.sin(d))}e.closePath()}function Yt(e,t){return s=>{let{context:n,width:i,height:r}=wt(s),a=nt(s),{size:l,classes:c,confidence:u}=e,d=new ImageData(l,l),p=Math.max(2,Math.max(...c.data)+1);for(let y=0;y<l*l;++y){let E=(l-1-Math.floor(y/l))*l+y%l,fe=U(c.data[E]),me=Math.max(0,(u.data[E]-1/p)/(1-1/p)),[ge,ye,we]=[1,3,5].map(xt=>parseInt(fe.slice(xt,xt+2),16));d.data.set([ge,ye,we,(a==="dark"?40:26)+100*me],4*y)}let m=new OffscreenCanvas(l,l);m.getContext("2d").putImageData(d,0,0),n.imageSmoothingEnabled=!0,n.drawImage(m,0,0,i,r);let g=y=>(y-e.across[0])/(e.across[1]-e.across[0])*i,f=y=>r-(y-e.up[0])/(e.up[1]-e.up[0])*r,S=Math.max(2.2,Math.min(4.5,90/Math.sqrt(e.rows.shape[0]+1)));for(let y=0;y<e.rows.shape[0];++y){let E=e.labels.data[y];n.fillStyle=U(E),n.strokeStyle=a==="dark"?"#0f1216":"#ffffff",n.lineWidth=.8,ze(n,et(E),g(e.points.data[2*y]),f(e.points.data[2*y+1]),S),e.rows.data[y]===t&&(n.beginPath(),n.strokeStyle=a==="dark"?"#ffffff":"#000000",n.lineWidth=2,n.arc(g(e.points.data[2*y]),f(e.points.data[2*y+1]),S+5,0,2*Math.PI),n.stroke())}}}var qe={forward:0,loss:1,backward:2,update:3};function ee(e){let{scene:t,answers:s}=e,{layout:n}=t,i=new Map((s.frame?.nodes??[]).map(l=>[l.name,l])),[r,a]=[n.width+16,n.height+16];return o`
    <section class="panel graph" aria-labelledby="graph-title">
      <div class="bar">
        <h2 id="graph-title">Graph</h2>
        <p class="aside">${De(e)}</p>
        <form class="find" @submit=${l=>Ve(e,l)}>
          <label for="find">Find</label>
          <input id="find" name="entry" list="nodes" placeholder="W1[0, 3]" autocomplete="off" spellcheck="false" />
          <datalist id="nodes">${t.nodes.map(l=>o`<option value=${l.name}></option>`)}</datalist>
        </form>
      </div>
      <div class="scroll" tabindex="0" role="group" aria-label="Graph, scrollable">
        <div class="drawing" ${B({width:`${r}px`,height:`${a}px`})}>
          <svg viewBox="-8 -8 ${r} ${a}" width=${r} height=${a} aria-hidden="true">
            ${n.routes.map(l=>Re(l))}
            ${n.tags.map(l=>w`<text class="tag ${l.lane}" x=${l.x+l.width/2} y=${l.y+l.height/2+4}>${l.text}</text>`)}
            ${n.headings.map(l=>w`<text class="heading ${l.lane}" x=${l.x} y=${l.y}>${l.text}</text>`)}
          </svg>
          ${n.boxes.map(l=>Ue(e,l,i.get(l.name)))}
        </div>
      </div>
      ${e.expanded?Je(e):h}
    </section>
  `}function De(e){let{focus:t}=e.view;if(t!==null)return o`driven by sample ${t} alone: m = 1`;let s=e.answers.frame?.rows;return o`driven by the batch${s?o` of m = ${s} rows: J is a mean, so 1/m stands in dZ`:h}`}function Re(e){let t=e.points.map(([s,n])=>`${s},${n}`);return w`<polyline class="route ${e.lane}" points=${t.join(" ")} />
    ${je(e)}`}function je(e){let t=e.points.length;if(t<2||e.target===null)return h;let[[s,n],[i,r]]=[e.points[t-2],e.points[t-1]],a=Math.atan2(r-n,i-s)*180/Math.PI;return w`<path class="head ${e.lane}" d="M0 0L-8 -4L-8 4Z" transform="translate(${i} ${r}) rotate(${a})" />`}function Ue(e,t,s){let n=t.lane==="backward",i=n?`d${t.name}`:t.name,r=B({left:`${t.x+8}px`,top:`${t.y+8}px`,width:`${t.width}px`,height:`${t.height}px`});if(t.elided)return o`<div class="card elided" ${r}>${t.elided}</div>`;let a=n?s?.gradient:s?.value,l=(e.view.entry??"").replace(/\[.*$/,"")===i;return o`
    <button type="button" class="card ${t.lane} ${t.kind} ${We(e,t)?"":"ahead"}" ${r}
      data-node=${i} aria-pressed=${l}
      @click=${()=>e.select(i)} @dblclick=${()=>Fe(e,t.name,n)}>
      <span class="name">${n?o`<i class="d">d</i>${Xt(t.name)}`:Xt(t.name)}</span>
      <span class="shape">${D(s?.shape??t.shape)}</span>
      <span class="visually-hidden">${n?"gradient":t.operation}</span>
      ${a?Be(e,i,a):o`<span class="none">no gradient</span>`}
    </button>
  `}function Xt(e){let[,t,s]=e.match(/^(.*?)(\d*)$/s);return o`<i>${t||s}</i>${t&&s?o`<sub>${s}</sub>`:h}`}function Be(e,t,s){let{least:n,most:i,nonfinite:r}=s;if(s.size===1)return o`<span class="scalar ${r?"bad":""}">${$(s.only,`only ${t}`)}</span>`;let a=Math.max(Math.abs(n??0),Math.abs(i??0));return o`
    <canvas class="heat" ${L(Qt(s.picture,a),[s,e.view.theme])}></canvas>
    <span class="range ${r?"bad":""}">${r?`${r} not finite`:o`${$(n,`least ${t}`,3)} … ${$(i,`most ${t}`,3)}`}</span>
  `}function We(e,t){let s=qe[e.state.phase];return e.state.playing?!0:t.lane==="backward"?s>=2:t.shape.length===0&&!t.elided?s>=1:!0}function Fe(e,t,s){e.expanded={node:t,gradient:s,row:0,column:0},e.refresh()}function Ve(e,t){t.preventDefault();let s=t.target.elements.namedItem("entry"),n=s.value.trim();n&&(e.select(n),s.value="",s.blur())}function Je(e){let{block:t}=e.answers,s=e.expanded,n=s.gradient?`d${s.node}`:s.node;if(!t)return o`<p class="waiting">${e.errors.block||"…"}</p>`;let[i,r]=t.entries.shape,a=t.shape.length<2,c=e.scene.nodes.find(d=>d.name===s.node).batch&&e.view.focus!==null,u=(d,p)=>{let m=a?[t.column+p]:[t.row+d,t.column+p],g=t.shape.length===0?[]:c?m.slice(1):m;return g.length?`[${g.join(", ")}]`:""};return o`
    <div class="entries">
      <div class="bar">
        <h3>${n} ${D(t.shape)}</h3>
        ${te(e,"rows",t.row,i,a?1:t.shape[0])}
        ${te(e,"columns",t.column,r,t.shape.at(-1)??1)}
        <button type="button" @click=${()=>{e.expanded=null,e.refresh()}}>Close</button>
      </div>
      <div class="scroll" tabindex="0" role="group" aria-label="Entries of ${n}">
        <table>
          <thead><tr><th></th>${vt(r).map(d=>o`<th scope="col">${t.column+d}</th>`)}</tr></thead>
          <tbody>
            ${vt(i).map(d=>o`<tr><th scope="row">${a?"":t.row+d}</th>
                ${vt(r).map(p=>o`<td><button type="button" class="entry" data-entry="${n}${u(d,p)}"
                  @click=${()=>e.select(n+u(d,p))}>${$(t.entries.data[d*r+p],`entry ${n}${u(d,p)}`,3)}</button></td>`)}</tr>`)}
          </tbody>
        </table>
      </div>
    </div>
  `}function te(e,t,s,n,i){if(n>=i)return h;let r=t==="rows"?"row":"column",a=l=>{e.expanded={...e.expanded,[r]:Math.max(0,Math.min(l,i-1))},e.refresh()};return o`
    <span class="mover">${t} ${s} to ${s+n-1} of ${i}
      <button type="button" aria-label="Earlier ${t}" ?disabled=${s===0} @click=${()=>a(s-n)}>‹</button>
      <button type="button" aria-label="Later ${t}" ?disabled=${s+n>=i} @click=${()=>a(s+n)}>›</button>
    </span>
  `}function vt(e){return Array.from({length:e},(t,s)=>s)}var W=class extends C{constructor(t){if(super(t),this.it=h,t.type!==X.CHILD)throw Error(this.constructor.directiveName+"() can only be used in child bindings")}render(t){if(t===h||t==null)return this._t=void 0,this.it=t;if(t===M)return t;if(typeof t!="string")throw Error(this.constructor.directiveName+"() called with a non-string value");if(t===this.it)return this._t;this.it=t;let s=[t];return s.raw=s,this._t={_$litType$:this.constructor.resultType,strings:s,values:[]}}};W.directiveName="unsafeHTML",W.resultType=1;var it=H(W);function se(e){let{inspect:t}=e.answers;return o`
    <section class="panel inspector" aria-labelledby="inspector-title">
      <div class="bar"><h2 id="inspector-title">Inspector</h2>${t?o`<p class="aside">${t.entry}</p>`:h}</div>
      ${e.view.entry===null?o`<p class="hint">Select a node of the graph, or find an entry: <kbd>/</kbd> then <code>W1[0, 3]</code>.</p>`:t?Ke(e,t):o`<p class="hint">${e.errors.inspect||"…"}</p>`}
    </section>
  `}function Ke(e,t){return o`
    <dl class="facts">
      ${t.value===void 0?h:o`<div><dt>value</dt><dd>${$(t.value,`value ${t.entry}`,6)}</dd></div>`}
      ${t.gradient===void 0?h:o`<div><dt>gradient</dt><dd>${$(t.gradient,`gradient ${t.entry}`,6)}</dd></div>`}
      <div><dt>shape</dt><dd>${D(t.shape)}</dd></div>
    </dl>
    ${t.formulas.map(s=>o`
        <figure class="formula">
          <figcaption>${s.caption}</figcaption>
          <div class="math" tabindex="0" role="group" aria-label=${s.text}>${it(s.mathml)}</div>
          ${s.shapes?o`<p class="shapes">${s.shapes}</p>`:h}
        </figure>
      `)}
    ${t.editable&&!e.readOnly?Ge(e,t):h}
    ${t.numpy?Qe(e,t):h}
  `}function Ge(e,t){let s=e.edited?.entry===t.editable?e.edited:null;return o`
    <form class="edit" @submit=${n=>{n.preventDefault();let i=Number(n.target.elements.value.value);n.target.elements.value.value.trim()&&!Number.isNaN(i)&&e.edit(t.editable,i)}}>
      <label>Set ${t.editable} to <input name="value" inputmode="decimal" autocomplete="off" .value=${String(t.value)} /></label>
      <button type="submit">Set</button>
    </form>
    ${s?Ze(s):h}
  `}function Ze(e){return o`
    <table class="outcome">
      <caption>What the gradient foretold, and what happened to J</caption>
      <tbody>
        <tr><th scope="row">dw</th><td>${$(e.change,"edit dw",6)}</td></tr>
        <tr><th scope="row">g · dw</th><td>${$(e.predicted,"edit predicted",6)}</td></tr>
        <tr><th scope="row">J before</th><td>${$(e.before,"edit before",8)}</td></tr>
        <tr><th scope="row">J after</th><td>${$(e.after,"edit after",8)}</td></tr>
        <tr><th scope="row">change of J</th><td>${$(e.happened,"edit happened",6)}</td></tr>
      </tbody>
    </table>
  `}function Qe(e,t){return o`
    <details class="numpy">
      <summary>As NumPy</summary>
      <button type="button" @click=${()=>Ye(e,t.numpy)}>Copy</button>
      <pre tabindex="0"><code data-name="numpy">${t.numpy}</code></pre>
    </details>
  `}async function Ye(e,t){try{await navigator.clipboard.writeText(t),e.message="Copied."}catch{e.message="The browser refused to copy: select the lines instead."}e.draw()}function ie(e){let{ledger:t}=e.answers,s=e.ledgerEntry;return o`
    <section class="panel ledger" aria-labelledby="ledger-title">
      <div class="bar">
        <h2 id="ledger-title">Ledger of paths</h2>
        ${t?o`<p class="aside">d${t.loss}/d${t.entry} · ${t.count} paths, ${t.over}</p>`:h}
      </div>
      ${s===null?o`<p class="hint">Select one entry, such as <button type="button" class="link" @click=${()=>e.select(ne(e))}>${ne(e)}</button>, to see every path from it to the loss.</p>`:t?t.count==="0"?o`<p class="hint">No path leads from ${t.entry} to ${t.loss}: it has no gradient.</p>`:Xe(t):o`<p class="hint">${e.errors.ledger||"…"}</p>`}
    </section>
  `}function ne(e){let t=e.scene.nodes.find(s=>s.parameter&&s.shape.length===2);return`${t?.name??"W1"}[0, ${Math.min(3,(t?.shape[1]??4)-1)}]`}function Xe(e){return o`
    <div class="scroll" tabindex="0" role="group" aria-label="Paths">
      <table>
        <thead><tr><th scope="col">path</th><th scope="col">factors</th><th scope="col" class="right">product</th></tr></thead>
        <tbody>
          ${e.rows.map(t=>o`
              <tr>
                <th scope="row" class="path">${t.path}</th>
                <td class="factors">${t.factors.map((s,n)=>o`${n?o`<span class="times">·</span>`:h}<span class="factor" title="${s.symbol} = ${s.value}"><span class="symbol">${s.formula}</span><span class="value">${$(s.value,`factor ${s.symbol} of ${t.path}`)}</span></span>`)}</td>
                <td class="right">${$(t.product,`product of ${t.path}`,6)}</td>
              </tr>
            `)}
          ${e.rest_count?o`<tr class="rest"><th scope="row" colspan="2">${e.rest_count} other paths together</th><td class="right">${$(e.rest,"ledger rest",6)}</td></tr>`:h}
        </tbody>
        <tfoot>
          <tr><th scope="row" colspan="2">sum of the paths</th><td class="right">${$(e.total,"ledger total",8)}</td></tr>
          <tr><th scope="row" colspan="2">gradient by the backward pass</th><td class="right">${$(e.gradient,"ledger gradient",8)}</td></tr>
          <tr class=${Math.abs(e.residual)<=1e-9*Math.abs(e.magnitude||1)?"good":"bad"}>
            <th scope="row" colspan="2">they differ by</th><td class="right">${$(e.residual,"ledger residual",3)}</td>
          </tr>
        </tfoot>
      </table>
    </div>
    <p class="aside">The sizes of all paths add up to ${v(e.magnitude)}.</p>
  `}function ae(e){let{samples:t,sample:s}=e.answers;return o`
    <section class="panel samples" aria-labelledby="samples-title">
      <div class="bar">
        <h2 id="samples-title">Samples</h2>
        <label>by <select @change=${n=>e.look({order:n.target.value})}>
          <option value="loss" ?selected=${e.view.order==="loss"}>loss</option>
          <option value="row" ?selected=${e.view.order==="row"}>row</option>
        </select></label>
        <button type="button" aria-pressed=${e.view.focus===null} @click=${()=>e.look({focus:null})}>Whole batch</button>
      </div>
      ${s?es(e,s):ts(e)}
      ${t?ns(e,t):o`<p class="hint">${e.errors.samples||"…"}</p>`}
    </section>
  `}function ts(e){return o`<p class="hint">The whole batch drives the board. Choose a row to follow it alone.</p>`}function es(e,t){let s=e.scene.classes;return o`
    <table class="residual">
      <caption>Sample ${t.row}, class ${s[t.label]}: J = ${$(t.loss,"sample loss")}</caption>
      <thead><tr><th scope="col">class</th><th scope="col">p</th><th scope="col">y</th><th scope="col">dZ = p − y</th></tr></thead>
      <tbody>
        ${s.slice(0,30).map((n,i)=>o`
            <tr>
              <th scope="row">${F(i)} ${n}</th>
              <td>${re(t.p.data[i],"value")}${$(t.p.data[i],`p ${i}`)}</td>
              <td>${$(t.y.data[i],`y ${i}`,1)}</td>
              <td>${re(t.d.data[i],"gradient")}${$(t.d.data[i],`p-y ${i}`)}</td>
            </tr>
          `)}
      </tbody>
    </table>
  `}function re(e,t){let s=Math.max(-1,Math.min(1,Number.isFinite(e)?e:0)),[n,i]=t==="value"?[0,100*s]:[50+Math.min(0,50*s),50*Math.abs(s)];return o`<span class="bar-track ${t}" aria-hidden="true"><span class="bar-fill" ${B({left:`${n}%`,width:`${i}%`})}></span></span>`}function F(e){return o`<svg class="swatch" viewBox="-6 -6 12 12" aria-hidden="true">${ss[et(e)](U(e))}</svg>`}var ss={circle:e=>w`<circle r="4.5" fill=${e} />`,square:e=>w`<rect x="-4" y="-4" width="8" height="8" fill=${e} />`,triangle:e=>w`<path d="M0 -5L5 4L-5 4Z" fill=${e} />`,diamond:e=>w`<path d="M0 -5.5L5.5 0L0 5.5L-5.5 0Z" fill=${e} />`,cross:e=>w`<path d="M-4 -4L4 4M-4 4L4 -4" stroke=${e} stroke-width="2.6" />`,star:e=>w`<path d="M0 -5.5L1.5 -1.6L5.5 -1.6L2.3 1L3.4 5L0 2.7L-3.4 5L-2.3 1L-5.5 -1.6L-1.5 -1.6Z" fill=${e} />`};function ns(e,t){let s=e.scene.classes.length,n=t.rows.shape[0],i=t.of<t.all?`, of ${A(t.of)} looked at of ${A(t.all)}`:"";return o`
    <div class="scroll" tabindex="0" role="group" aria-label="Rows">
      <table class="rows">
        <thead><tr><th scope="col">row</th><th scope="col">class</th><th scope="col" class="right">loss</th><th scope="col" class="right">p of class</th><th scope="col">predicted</th></tr></thead>
        <tbody>
          ${Array.from({length:n},(r,a)=>is(e,t,a,s))}
        </tbody>
      </table>
    </div>
    <p class="aside">${A(n)} rows${i}; mean loss ${$(t.mean_loss,"mean loss")}
      ${n<t.of?o`<button type="button" class="link" @click=${()=>{e.listed+=50,e.refresh()}}>more</button>`:h}</p>
  `}function is(e,t,s,n){let i=t.rows.data[s],r=t.labels.data[s],a=t.probabilities.data.subarray(s*n,(s+1)*n),l=a.indexOf(Math.max(...a));return o`
    <tr class=${i===e.view.focus?"chosen":""}>
      <th scope="row"><button type="button" class="link" aria-pressed=${i===e.view.focus} data-row=${i} @click=${()=>e.look({focus:i})}>${i}</button></th>
      <td>${F(r)} ${e.scene.classes[r]}</td>
      <td class="right">${$(t.losses.data[s],`row loss ${i}`)}</td>
      <td class="right">${$(a[r],`row p ${i}`,3)}</td>
      <td class=${l===r?"":"wrong"}>${F(l)} ${e.scene.classes[l]}${l===r?h:o`<span class="visually-hidden"> (wrong)</span>`}</td>
    </tr>
  `}function oe(e){let{plane:t}=e.answers,{scene:s}=e;return o`
    <section class="panel plane" aria-labelledby="plane-title">
      <div class="bar">
        <h2 id="plane-title">Plane</h2>
        ${s.columns>2?[0,1].map(n=>rs(e,n)):h}
      </div>
      ${t?as(e,t):o`<p class="hint">${e.errors.plane||"…"}</p>`}
    </section>
  `}function rs(e,t){return o`<label>${t?"up":"across"} <select @change=${s=>{let n=[...e.plane];n[t]=Number(s.target.value),n[0]!==n[1]?e.look({plane:n}):e.say("Two different columns make a plane.")}}>${e.scene.features.slice(0,1e3).map((s,n)=>o`<option value=${n} ?selected=${e.plane[t]===n}>${s}</option>`)}</select></label>`}function as(e,t){let{scene:s,view:n}=e;return o`
    <div class="axes">
      <span class="up">${s.features[t.y]}</span>
      <canvas role="img" aria-label="Decision regions over ${s.features[t.x]} and ${s.features[t.y]}, with ${t.rows.shape[0]} rows as points"
        ${L(Yt(t,n.focus),[t,n.focus,n.theme,n.projector])}
        @click=${i=>ls(e,t,i)}></canvas>
      <span class="ticks"><span>${v(t.across[0],3)}</span><span>${s.features[t.x]}</span><span>${v(t.across[1],3)}</span></span>
    </div>
    <ul class="legend">${s.classes.slice(0,12).map((i,r)=>o`<li>${F(r)} ${i}</li>`)}</ul>
    ${s.columns>2?os(e,t):h}
  `}function os(e,t){let s=e.view.focus===null?"their means":`sample ${e.view.focus}`;return o`
    <details class="held"><summary>The other columns are held at ${s}</summary>
      <dl>${e.scene.features.map((n,i)=>i===t.x||i===t.y||i>200?h:o`<div><dt>${n}</dt><dd>${$(t.held.data[i],`held ${i}`,3)}</dd></div>`)}</dl>
    </details>
  `}function ls(e,t,s){let n=s.currentTarget,i=s.offsetX/n.clientWidth,r=1-s.offsetY/n.clientHeight,a=-1,l=.05**2;for(let c=0;c<t.rows.shape[0];++c){let u=(t.points.data[2*c]-t.across[0])/(t.across[1]-t.across[0])-i,d=(t.points.data[2*c+1]-t.up[0])/(t.up[1]-t.up[0])-r;u*u+d*d<l&&([a,l]=[c,u*u+d*d])}e.look({focus:a<0?null:t.rows.data[a]})}var le=1e3,rt=110;function ce(e){let{timeline:t}=e.answers;return o`
    <section class="panel timeline" aria-labelledby="timeline-title">
      <div class="bar"><h2 id="timeline-title">Timeline</h2>${t?o`<p class="aside">step ${A(t.step)} of ${A(t.furthest)}</p>`:h}</div>
      ${t?cs(e,t):o`<p class="hint">${e.errors.timeline||"…"}</p>`}
    </section>
  `}function cs(e,t){let{layers:s}=t,n=t.marks.shape[0],i=(r,a)=>Array.from({length:n},(l,c)=>r.data[c*s.length+a]);return o`
    <input type="range" class="scrubber" min="0" max=${Math.max(1,t.furthest)} .value=${String(e.state.step)}
      ?disabled=${t.furthest===0} aria-label="Step" aria-valuetext="step ${e.state.step}"
      @input=${r=>hs(e,Number(r.target.value))} />
    <div class="curves">
      ${ot("loss, nats",t,[{name:"batch",low:t.lowest.data,high:t.highest.data,edges:t.edges.data}],!1)}
      ${ot("accuracy",t,[{name:"accuracy",x:t.marks.data,y:Array.from(t.accuracies.data)}],!1,[0,1])}
      ${ot("gradient norm",t,s.map((r,a)=>({name:`d${r}`,x:t.marks.data,y:i(t.gradient_norms,a)})),!0)}
      ${ot("update / weight",t,s.map((r,a)=>({name:r,x:t.marks.data,y:i(t.update_ratios,a)})),!0)}
    </div>
    ${n?ps(t,i):h}
  `}var At=!1,at=null;async function hs(e,t){if(at=t,!At){for(At=!0;at!==null;){let s=at;at=null,await e.command("seek",{step:s})}At=!1}}function ot(e,t,s,n,i=null){let r=f=>n?Math.log10(Math.max(f,1e-12)):f,a=s.flatMap(f=>f.low?[...f.low,...f.high]:f.y).filter(f=>Number.isFinite(f)&&(!n||f>0));if(!a.length&&!i)return o`<figure class="curve"><figcaption>${e}</figcaption><p class="hint">nothing yet</p></figure>`;let[l,c]=i??[Math.min(...a),Math.max(...a)],[u,d]=[r(l),r(c)],p=Math.max(1,t.furthest),m=f=>f/p*le,g=f=>rt-4-(r(f)-u)/(d-u||1)*(rt-8);return o`
    <figure class="curve">
      <figcaption>${e}${n?", log":""} ${s.length>1?s.map((f,S)=>o`<span class="key line-${S%4}">${f.name}</span>`):h}</figcaption>
      <div class="plot">
        <span class="top">${v(c,3)}</span><span class="bottom">${v(l,3)}</span>
        <svg viewBox="0 0 ${le} ${rt}" preserveAspectRatio="none" role="img" aria-label="${e}, from ${v(l,3)} to ${v(c,3)}">
          ${s.map((f,S)=>w`<path class="line-${S%4}" d=${f.low?us(f,m,g):ds(f,m,g)} />`)}
          <line class="now" x1=${m(t.step)} x2=${m(t.step)} y1="0" y2=${rt} />
        </svg>
      </div>
    </figure>
  `}function ds(e,t,s){let n="";return e.y.forEach((i,r)=>{Number.isFinite(i)&&(n+=`${n?"L":"M"}${t(e.x[r]).toFixed(1)} ${s(i).toFixed(1)}`)}),n}function us(e,t,s){let n="";for(let i=0;i<e.low.length;++i){let r=t((e.edges[i]+e.edges[i+1])/2).toFixed(1);Number.isFinite(e.low[i])&&(n+=`${n?"L":"M"}${r} ${s(e.high[i]).toFixed(1)}L${r} ${s(e.low[i]).toFixed(1)}`)}return n}function ps(e,t){let s=e.marks.shape[0]-1;return o`
    <details class="measured"><summary>Measured at step <span data-of="marked step" data-exact=${e.marks.data[s]}>${A(e.marks.data[s])}</span>: accuracy ${$(e.accuracies.data[s],"marked accuracy",3)}</summary>
      <table>
        <thead><tr><th scope="col">weight</th><th scope="col" class="right">gradient norm</th><th scope="col" class="right">update / weight</th></tr></thead>
        <tbody>${e.layers.map((n,i)=>o`<tr><th scope="row">${n}</th>
          <td class="right">${$(t(e.gradient_norms,i)[s],`norm d${n}`)}</td><td class="right">${$(t(e.update_ratios,i)[s],`ratio ${n}`)}</td></tr>`)}</tbody>
      </table>
    </details>
  `}var bt=1e-7,he=.01;function de(e){let{check:t}=e,s=t&&!t.parameters;return o`
    <section class="panel check" aria-labelledby="check-title">
      <div class="bar">
        <h2 id="check-title">Check</h2>
        ${e.readOnly?h:o`<button type="button" ?disabled=${s} @click=${()=>e.runCheck()}>Check the gradients</button>`}
      </div>
      ${t?s?o`<p role="status"><progress max=${t.of} .value=${t.done}></progress> ${A(t.done)} of ${A(t.of)} entries</p>`:$s(e,t):o`<p class="hint">Is the gradient right? Each entry against (J(w + h) − J(w − h)) / 2h.</p>`}
    </section>
  `}function $s(e,t){let s=t.step!==e.state.step||t.version!==e.state.version;return o`
    <p class="verdict ${t.worst_error<=1e-6?"good":"bad"}">
      ${t.worst_error<=1e-6?"The gradients agree":"The gradients DIFFER"}: largest relative error
      ${$(t.worst_error,"worst error",2)}${t.worst?o` at <button type="button" class="link" @click=${()=>e.select(t.worst)}>${t.worst}</button>`:h}${s?o` (at step ${t.step})`:h}
    </p>
    <div class="maps">
      ${t.parameters.map(n=>o`
          <figure>
            <figcaption>${n.name}: ${n.checked} checked${n.kinks?o`, ${n.kinks} at a kink`:h}</figcaption>
            <canvas class="errors" role="img" aria-label="Relative errors of ${n.name}, at most ${v(n.worst,2)}"
              ${L(fs(n),[n,e.view.theme])}></canvas>
          </figure>
        `)}
    </div>
    <ul class="legend">
      <li><span class="tone good"></span> at most 1e−7</li><li><span class="tone middle"></span> between</li>
      <li><span class="tone bad"></span> above 1e−2</li><li><span class="tone kink"></span> the step crosses a ReLU's kink: not judged</li>
    </ul>
    <table class="visually-hidden"><caption>Largest relative errors</caption>
      <thead><tr><th scope="col">parameter</th><th scope="col">checked</th><th scope="col">at a kink</th><th scope="col">largest error</th></tr></thead>
      <tbody>${t.parameters.map(n=>o`<tr><th scope="row">${n.name}</th><td>${n.checked}</td><td>${n.kinks}</td><td>${v(n.worst,2)}</td></tr>`)}</tbody>
    </table>
  `}function fs(e){return t=>{let{context:s,width:n,height:i}=wt(t),[r,a]=e.errors.shape,l=nt(t)==="dark",[c,u]=[n/a,i/r];for(let d=0;d<r*a;++d){let[p,m]=[d%a*c,Math.floor(d/a)*u],g=e.errors.data[d],f=e.states.data[d];f!==0&&(s.fillStyle=f===2?l?"#4a505a":"#c9ced6":ms(g,l),s.fillRect(p,m,Math.max(1,c-.5),Math.max(1,u-.5)),f===2&&(s.strokeStyle=l?"#9aa3b0":"#6b7280",s.lineWidth=1,s.beginPath(),s.moveTo(p,m+u),s.lineTo(p+c,m),s.stroke()))}}}function ms(e,t){if(!(e<=he))return t?"#ff7a59":"#c2290a";if(e<=bt)return t?"#37b98a":"#00805a";let s=Math.log10(e/bt)/Math.log10(he/bt);return t?`hsl(${150-110*s} 60% 58%)`:`hsl(${160-120*s} 70% 36%)`}function ue(e){if(e.openPanel!=="network"||e.readOnly)return h;let{network:t,choices:s}=e.scene,n=(r,a,l)=>o`
    <label>${a} <select name=${r}>${l.map(c=>o`<option ?selected=${c===t[r]}>${c}</option>`)}</select></label>`,i=(r,a,l)=>o`
    <label>${a} <input name=${r} .value=${String(l)} autocomplete="off" spellcheck="false" /></label>`;return o`
    <section class="panel network" aria-labelledby="network-title">
      <div class="bar"><h2 id="network-title">Network</h2></div>
      <form @submit=${r=>ws(e,r)}>
        ${i("hidden_layer_sizes","Hidden layers",t.hidden_layer_sizes.join(", "))}
        ${n("activation","Activation",s.activation)} ${n("initialization","Start",s.initialization)}
        ${i("l2","L2, λ",t.l2)} ${i("dropout","Dropout",t.dropout)} ${i("seed","Seed",t.seed)}
        ${n("solver","Optimizer",s.solver)} ${i("learning_rate","Learning rate",t.learning_rate)}
        ${i("batch_size","Batch size",t.batch_size)}
        <button type="submit" class="main">Change</button>
      </form>
      <p class="hint">Optimizer, learning rate and batch size change from this step on. Layers, activation, start, L2, dropout and seed begin a new run.</p>
    </section>
  `}var gs=["l2","dropout","learning_rate"],ys=["seed","batch_size"];async function ws(e,t){t.preventDefault();let s=new FormData(t.target),n={};for(let[i,r]of s){let a=String(r).trim(),l=a;if(i==="hidden_layer_sizes"?l=a===""?[]:a.split(/[\s,]+/).map(Number):(gs.includes(i)||ys.includes(i))&&(l=Number(a)),typeof l=="number"?Number.isNaN(l):Array.isArray(l)&&l.some(Number.isNaN)){e.say(`${i.replaceAll("_"," ")}: ${a} is not a number.`);return}JSON.stringify(l)!==JSON.stringify(e.scene.network[i])&&(n[i]=l)}if(!Object.keys(n).length){e.say("Nothing was changed.");return}await e.command("network",{changes:n})}function pe(e){if(e.openPanel!=="quiz"||e.readOnly)return h;let{quiz:t}=e;return o`
    <section class="panel quiz" aria-labelledby="quiz-title">
      <div class="bar">
        <h2 id="quiz-title">Quiz</h2>
        <button type="button" @click=${()=>vs(e)}>${t?"Another question":"Ask me"}</button>
        ${t?o`<p class="aside">${t.right} of ${t.asked} right</p>`:h}
      </div>
      ${t?.question?As(e,t):o`<p class="hint">A number of this network is hidden; work it out from the ones that are shown.</p>`}
    </section>
  `}async function vs(e){let t=await e.command("quiz",{focus:e.view.focus});t&&(e.quiz={right:e.quiz?.right??0,asked:e.quiz?.asked??0,question:t,answer:null},e.draw())}function As(e,t){let{question:s,answer:n}=t;return o`
    <p>${s.text}</p>
    <div class="math" tabindex="0" role="group" aria-label=${s.formula}>${it(s.mathml)}</div>
    <table><tbody>${s.given.map(i=>o`<tr><th scope="row">${i.entry}</th><td class="right">${$(i.value,`given ${i.entry}`)}</td></tr>`)}</tbody></table>
    <form class="edit" @submit=${i=>{i.preventDefault(),bs(e,i.target.elements.answer.value)}}>
      <label>${s.entry} = <input name="answer" inputmode="decimal" autocomplete="off" ?disabled=${n?.right} /></label>
      <button type="submit" ?disabled=${n?.right}>Answer</button>
    </form>
    <p role="status" class=${n?n.right?"good":"bad":""}>${n?n.right?o`Right: ${$(n.value,`answer ${s.entry}`,6)}.`:"Not yet. Within one per cent is right.":h}</p>
  `}async function bs(e,t){let s=Number(t.replace("−","-").replace(",","."));if(t.trim()===""||Number.isNaN(s)){e.say(`${t} is not a number.`);return}let n=await e.command("answer",{question:e.quiz.question.id,value:s});if(!n)return;let i=e.quiz.answer===null;e.quiz={...e.quiz,answer:n,asked:e.quiz.asked+(i?1:0),right:e.quiz.right+(i&&n.right?1:0)},e.draw()}var _t={frame:e=>({focus:e.view.focus}),samples:e=>({order:e.view.order,count:e.listed}),sample:e=>e.view.focus===null?null:{row:e.view.focus},plane:e=>({x:e.plane[0],y:e.plane[1],...e.scene.columns>2?{focus:e.view.focus}:{}}),timeline:()=>({}),inspect:e=>e.view.entry?{entry:e.view.entry,focus:e.view.focus}:null,block:e=>e.expanded?{...e.expanded,focus:e.view.focus}:null,ledger:e=>e.ledgerEntry?{entry:e.ledgerEntry,focus:e.view.focus,top:12}:null},_s=100,lt=class{constructor(t,s,n={}){this.root=t,this.transport=s,this.keepsAddress=n.address??!1,this.view={focus:null,entry:null,plane:null,order:"loss",projector:!1,theme:"auto"},this.listed=30,this.state=null,this.scene=null,this.answers={},this.asked={},this.errors={},this.expanded=null,this.connected=!1,this.refused=!1,this.message="",this.check=null,this.edited=null,this.quiz=null,this.openPanel="",this.pace=null,this.asking=new Set,this.pending=0,this.isRendering=!1,this.soon=void 0,s.listen(i=>this.hear(i)),Wt(this),this.keepsAddress&&(Object.assign(this.view,Y(location.hash)),window.addEventListener("hashchange",()=>{Object.assign(this.view,Y(location.hash)),this.refresh()})),this.draw()}get plane(){return this.view.plane??this.scene.plane}get moment(){return`${this.state.revision}/${this.state.version}/${this.state.step}`}get readOnly(){return this.transport.readOnly}get ledgerEntry(){let t=this.view.entry;return!t||!t.includes("[")?null:t.startsWith("d")?t.slice(1):t}hear(t){t.event==="connected"?(this.connected=!0,this.refused=!1,this.open()):t.event==="disconnected"?(this.connected=!1,this.refused=t.refused,this.draw()):t.event==="state"?this.take(t):t.event==="check"&&this.check&&(this.check={...this.check,done:t.done,of:t.of},this.draw())}async open(){try{this.scene=await this.transport.request("scene"),this.fitView();let t=this.keepsAddress?Y(location.hash).step:void 0,s=await this.transport.request("state");t!==void 0&&t!==s.step&&!s.playing&&!this.state&&!this.readOnly&&(s=await this.transport.request("goto",{step:t})),this.take(s)}catch(t){this.say(t)}}async take(t){let s=!this.scene||t.revision!==this.scene.revision||t.version!==this.scene.version,n=t.stopped_at!==null&&this.state?.stopped_at!==t.stopped_at;this.state=t,t.playing&&(this.pace=t.rate);let{edited:i}=this;if(i&&(i.state.step!==t.step||i.state.version!==t.version)&&(this.edited=null),s){let r=await this.transport.request("scene"),a=this.scene?.revision!==r.revision;this.scene=r,a&&this.fitView()}n&&this.goToTrouble(),this.refresh()}fitView(){let t=new Set(this.scene.nodes.map(n=>n.name)),s=this.view.entry?.replace(/\[.*$/,"");s&&!t.has(s)&&!(s.startsWith("d")&&t.has(s.slice(1)))&&(this.view.entry=null),this.view.focus!==null&&this.view.focus>=this.scene.rows&&(this.view.focus=null),this.view.plane?.some(n=>n>=this.scene.columns)&&(this.view.plane=null),this.expanded=null,this.check=null,this.edited=null,this.answers={},this.asked={}}async goToTrouble(){try{let t=await this.transport.request("trouble",{focus:this.view.focus});t.entry&&this.select(t.entry),this.message=t.text}catch(t){this.say(t)}this.draw()}look(t){("focus"in t||"entry"in t)&&(this.edited=null),"focus"in t&&!("entry"in t)&&(t.entry=this.entryFor(t.focus??null)),Object.assign(this.view,t),this.refresh()}entryFor(t){let{entry:s}=this.view,[,n,i,r]=s?.match(/^(d?)(.*?)\[(.*)\]$/)??[],a=this.scene.nodes.find(u=>u.name===i||u.name===n+i);if(!a?.batch||t===null==(this.view.focus===null))return s;let l=a.name===i?n+i:a.name,c=r.split(",").slice(1).join(",").trim();return t!==null&&c?`${l}[${c}]`:l}select(t){this.look({entry:t})}async refresh(){this.draw(),!(!this.connected||!this.scene||!this.state)&&(await Promise.all(Object.keys(_t).map(t=>this.ask(t))),this.keepsAddress&&this.writeAddress(),this.draw())}wanted(t){let s=_t[t](this);return{moment:this.moment,args:s,text:JSON.stringify(s)}}isCurrent(t){let[s,n]=[this.asked[t],this.wanted(t)];return s?.moment===n.moment&&s.text===n.text}async ask(t){if(!(this.asking.has(t)&&this.asked[t]?.text===this.wanted(t).text)){for(this.asking.add(t);!this.isCurrent(t);){let s=this.wanted(t),n=this.state.playing&&this.asked[t]?.text===s.text;this.asked[t]=s;let i,r="";try{s.args!==null&&(i=await this.transport.request(t,s.args,n))}catch(a){r=a.message}if(this.asked[t]!==s)return;this.answers[t]=i,this.errors[t]=r,n?this.drawSoon():this.draw()}this.asking.delete(t)}}get isSettled(){let t=this.scene?.revision===this.state?.revision&&this.scene?.version===this.state?.version;return!this.state||!t||this.pending||this.asking.size?!1:Object.keys(_t).every(s=>this.isCurrent(s))}async command(t,s={}){this.message="",this.pending+=1,this.draw();try{let n=await this.transport.request(t,s);return n&&"step"in n&&"phase"in n&&await this.take(n),n}catch(n){return this.say(n),null}finally{this.pending-=1,this.draw()}}say(t){this.message=t.message??String(t),this.draw()}togglePlay(){return this.state?.playing?this.command("pause"):this.command("play",{rate:this.pace})}async edit(t,s){let n=await this.command("edit",{entry:t,value:s,focus:this.view.focus});n&&(this.edited=n,await this.take(n.state))}async runCheck(){this.check={done:0,of:1},this.draw();let t={step:this.state.step,version:this.state.version},s=await this.command("check",{focus:this.view.focus});this.check=s?{...s,...t}:null,this.draw()}writeAddress(){let t=Dt(this.view,this.state.playing?void 0:this.state.step);t!==location.hash&&history.replaceState(null,"",t||location.pathname+location.search)}drawSoon(){this.soon??=setTimeout(()=>{this.soon=void 0,this.draw()},_s)}draw(){this.isRendering||(this.isRendering=!0,requestAnimationFrame(()=>{this.isRendering=!1,this.root.classList.toggle("projector",this.view.projector),this.root.dataset.theme=this.view.theme,qt(this.page(),this.root),this.root.dataset.moment=this.isSettled?`${this.moment} ${JSON.stringify(this.view)}`:""}))}page(){return!this.scene||!this.state?o`<p class="waiting" role="status">${this.waitingText()}</p>`:o`
      ${Ft(this)}
      <div class="panels">
        ${ee(this)} ${se(this)} ${ie(this)} ${ae(this)} ${oe(this)}
        ${ce(this)} ${de(this)} ${ue(this)} ${pe(this)}
      </div>
    `}waitingText(){return this.refused?"The board was started anew, with another address: open that one.":this.connected?"Loading …":"Waiting for the board …"}};var ks={f4:Float32Array,f8:Float64Array,u1:Uint8Array,i4:Int32Array},$e={NaN:NaN,Infinity:1/0,"-Infinity":-1/0};function ct(e,t){if(typeof e=="string")return e in $e?$e[e]:e;if(Array.isArray(e))return e.map(s=>ct(s,t));if(e===null||typeof e!="object")return e;if("$array"in e){let s=ks[e.dtype],n=e.shape.reduce((i,r)=>i*r,1);return{data:new s(t(n*s.BYTES_PER_ELEMENT,e.$array)),shape:e.shape}}return Object.fromEntries(Object.entries(e).map(([s,n])=>[s,ct(n,t)]))}var kt=class{readOnly=!1;constructor(t){this.model=t,this.last=0,this.page=crypto.randomUUID(),this.waiting=new Map,this.listeners=[],this.hear=(s,n)=>this.take(s,n),t.on("msg:custom",this.hear)}request(t,s={},n=!1){return new Promise((i,r)=>{let a=++this.last;this.waiting.set(a,{resolve:i,reject:r}),this.model.send({page:this.page,id:a,cmd:t,args:s,patient:n})})}listen(t){this.listeners.push(t),queueMicrotask(()=>t({event:"connected"}))}take(t,s){if(!t.event&&t.page!==this.page)return;let n=ct(t,(a,l)=>{let c=s[l];return c.buffer.slice(c.byteOffset,c.byteOffset+c.byteLength)});if(n.event){for(let a of this.listeners)a(n);return}let{resolve:i,reject:r}=this.waiting.get(n.id)??{};this.waiting.delete(n.id),n.ok?i?.(n.result):r?.(new Error(n.error))}close(){this.model.off("msg:custom",this.hear)}},Zn={render({model:e,el:t}){let s=document.createElement("div");s.className="chainrule-board",s.tabIndex=-1,t.append(s);let n=new kt(e);return new lt(s,n),()=>n.close()}};export{Zn as default};
/*! Bundled license information:

lit-html/lit-html.js:
lit-html/directive.js:
lit-html/async-directive.js:
lit-html/directives/unsafe-html.js:
  (**
   * @license
   * Copyright 2017 Google LLC
   * SPDX-License-Identifier: BSD-3-Clause
   *)

lit-html/directive-helpers.js:
  (**
   * @license
   * Copyright 2020 Google LLC
   * SPDX-License-Identifier: BSD-3-Clause
   *)
*/
